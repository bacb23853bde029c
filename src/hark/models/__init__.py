"""Towers, heads and their weights."""
