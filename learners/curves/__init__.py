"""Learning curves: measured, stored, published, and read off."""
