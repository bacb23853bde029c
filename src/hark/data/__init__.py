"""Clips and what is said of them: records, manifests, corpora, batches."""
