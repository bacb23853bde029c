"""Front ends: one file for each kind of image that a tower hears."""
