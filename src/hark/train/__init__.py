"""Training: the loop, its state, and the runs of recipes."""
