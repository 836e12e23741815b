"""Who decides: users, companies, their network, their beliefs, and the tick."""
