"""One file for each text tower."""
