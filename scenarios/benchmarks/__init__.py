"""How fast it is, as ratios to floors and peers in the same run."""
