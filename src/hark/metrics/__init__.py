"""How good a ranking or a classification is, in pure numpy."""
