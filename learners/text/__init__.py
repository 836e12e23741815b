"""Text classification: the toxic comments and logistic regression on TF-IDF features."""
