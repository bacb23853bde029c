"""Published numbers, measured again where weights and data are at hand."""
