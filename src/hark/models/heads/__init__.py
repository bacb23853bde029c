"""One file for each head into the joint space."""
