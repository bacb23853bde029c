"""Measures models on manifests of clips."""
