"""Rating prediction: the MovieLens use cases and matrix factorisation."""
