"""Text before it is a vector: tokens, vocabularies, prompts."""
