"""Language-based audio retrieval at DCASE, 2022 to 2025: its files written, checked and scored."""
