"""Several models measured together."""
