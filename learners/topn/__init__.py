"""Top-n recommendation: the Pinterest use case and item-kNN."""
