"""Evaluations that stand in files: what is classified or searched, with which words, by which metric."""
