"""Re-rankers, one per file: each takes a second, slower look at the clips that a text found first."""
