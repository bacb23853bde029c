"""What a split is for, by its name and by the other splits of its corpus: to test, to choose, or to train on."""

from __future__ import annotations

import re
from collections.abc import Collection

from hark.core import component
from hark.data.card import Card

TESTED, CHOSEN_BY, TRAINED_ON = 0, 1, 2
"""In the order in which clips are kept: those that are tested on first."""


def role(split: str, others: Collection[str]) -> int:
    """TESTED ("Test1", "eval", "testing"), CHOSEN_BY ("Val", "valid", "validation") or TRAINED_ON (all else).

    "dev" and "Development" choose where `others`, the splits of the same corpus, have one to train on (MELD,
    MSP-Podcast); where they have none (Clotho, TUT), they are what one trains on.
    """
    if _begins(split, "train"):
        return TRAINED_ON
    if _begins(split, "test", "eval"):
        return TESTED
    chooses = _begins(split, "val") or (_begins(split, "dev") and any(_begins(other, "train") for other in others))
    return CHOSEN_BY if chooses else TRAINED_ON


def declared(corpus: str) -> frozenset[str]:
    """The splits that a corpus of this name is published in; none where hark knows no such corpus.

    Raises SettingError for a plug-in that does not load.
    """
    kind = "data.corpora"
    if corpus not in component.names(kind):
        return frozenset()
    module = component.module(kind, corpus)
    card: Card | None = getattr(module, "CARD", None)
    return frozenset((*getattr(module, "SPLITS", ()), *(card.clips if card else ())))


def _begins(split: str, *beginnings: str) -> bool:
    """Whether a word of the name does: "unbalanced_train", "dev-clean", "Test1"."""
    return any(word.startswith(beginnings) for word in re.findall(r"[^\W\d_]+", split.casefold()))
