"""Rewriters, one per file: other ways to say what a query says."""
