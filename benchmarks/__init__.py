"""Speed and memory of hark, each measured beside another way to do the same."""
