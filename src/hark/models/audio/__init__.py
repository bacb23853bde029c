"""One file for each audio tower."""
