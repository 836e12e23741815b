"""Who influences whom: families of networks, how they are drawn, and their statistics."""
