"""The library: rows and vectors in SQLite, and the memory-mapped matrix made from them."""
