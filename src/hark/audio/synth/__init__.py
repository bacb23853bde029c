"""A small synthesiser of everyday sounds and of scenes of them."""
