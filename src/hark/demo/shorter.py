"""The recipe `tiny` with a number of steps that takes about so long on a slow processor."""

from __future__ import annotations

import re

from hark import recipe as recipes
from hark.recipe import Recipe

USUAL_S = 60


def tiny(seconds: int) -> Recipe:
    """The recipe as it is for 60 seconds, and with more or fewer steps for another time.

    The steps follow from the seconds asked for, not from a clock, so that the result is the same on every machine; the
    recipe's text, from which a training is known again, tells them.
    """
    assert seconds > 0, seconds
    recipe = recipes.load("tiny")
    if seconds == USUAL_S:
        return recipe
    steps = max(1, round(recipe.stages[0].steps * seconds / USUAL_S))
    source, changed = re.subn(r"(?m)^steps = \d+$", f"steps = {steps}", recipe.source)
    assert changed == 1, "one stage, which says its steps"
    return recipes.parse(source, name=recipe.name)
