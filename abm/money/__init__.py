"""Money between companies and users: dividends, credits, and how unequal they are."""
