"""Models in use."""
