"""The demonstration: sounds are made, indexed, found by words and measured, and a small model is trained."""
