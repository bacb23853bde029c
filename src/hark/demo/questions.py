"""What the demonstration asks, and which kinds of synthesised sound answer it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Question:
    """Words to search for; `kinds` are the labels that answer them, none where nobody knows what the sounds are."""

    text: str
    kinds: tuple[str, ...] = ()


OF_SCENES = (
    Question("a dog barks", ("dog bark",)),
    Question("someone knocks on a door", ("door knock",)),
    Question("an ambulance", ("siren",)),
    Question("church bells", ("church bell",)),
    Question("a baby is crying", ("crying baby",)),
    Question("birds singing in the morning", ("chirping birds",)),
    Question("cutting a tree with a chainsaw", ("chainsaw",)),
    Question("waves on the beach", ("sea waves",)),
)
"""Asked of the synthesised scenes: plain words, few of them taken from the captions."""

OF_ANYTHING = (
    Question("a dog barks"),
    Question("someone speaks"),
    Question("footsteps"),
    Question("birds singing"),
    Question("rain and wind"),
    Question("a car or an engine"),
    Question("a door, a knock, a bang"),
    Question("music"),
)
"""Asked of a folder of the user's own."""
