"""Studies of many runs: designs, the plan, the loop that plays it, engines, and the store."""
