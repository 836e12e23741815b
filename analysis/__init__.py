"""What came out: summaries and figures of recorded runs."""
