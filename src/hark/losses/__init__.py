"""One file for each loss: pure functions of embeddings."""
