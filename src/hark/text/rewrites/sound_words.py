"""Exchanges words in a sentence about a sound for others that mean the same, by the table `sound_words.toml`."""

from __future__ import annotations

import functools
import re
import tomllib
from pathlib import Path
from typing import Any, NamedTuple

TABLE = Path(__file__).with_suffix(".toml")


_ENDS = re.compile(r"\s*(?:$|[.,;!]|\s(?:and|while|as|in|at|on|then|before|with)\b)", flags=re.IGNORECASE)
"""What comes after the last word of a clause."""


class Place(NamedTuple):
    """A stretch [start, end) of a text, and what may stand there instead."""

    start: int
    end: int
    others: tuple[str, ...]


def places(text: str) -> list[Place]:
    """Where words can be exchanged, from left to right; of two that overlap the first and longest counts."""
    found = []
    for match in _pattern().finditer(text):
        others = _fellows()[_key(match[0])]
        if not _ENDS.match(text, match.end()):
            others = tuple(other for other in others if other not in _phrases())
        if others:
            found.append(Place(*match.span(), others))
    return found


def exchanged(text: str, choice: int, *, only: int | None = None) -> str:
    """The text with the `choice`-th other word at each place (round and round), or at the place `only` alone.

    A word keeps its capital letter; "a" before it becomes "an" where the new word needs it.
    """
    parts, done = [], 0
    for number, place in enumerate(places(text)):
        if only is not None and number != only:
            continue
        new = place.others[choice % len(place.others)]
        before = _article(text[done : place.start], new)
        parts += [before, new[0].upper() + new[1:] if text[place.start].isupper() else new]
        done = place.end
    return "".join((*parts, text[done:]))


def has_verb(text: str) -> bool:
    """Whether a word of the text is a verb that the table knows, or ends as one that goes on ("-ing")."""
    verbs = _verbs()
    return any(word in verbs or (len(word) > 4 and word.endswith("ing")) for word in _words(text))


def is_clause(text: str) -> bool:
    """Whether the text can stand on its own: what makes a sound, and after it a verb.

    Three words and fewer are a name ("clock tick", "door wood knock"), unless they begin as a clause does or have "is".
    """
    words = _words(text)
    if not any(word in _verbs() for word in words[1:]):
        return False
    return len(words) > 3 or words[0] in _subjects() or any(word in ("is", "are", "was", "were") for word in words)


def begins_clause(text: str) -> bool:
    """Whether the text begins with what makes a sound, and then says what it does."""
    words = _words(text)
    return bool(words) and words[0] in _subjects() and has_verb(" ".join(words[1:]))


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z']+", text.casefold())


def _key(text: str) -> str:
    return " ".join(text.casefold().split())


def _article(before: str, new: str) -> str:
    """What stands before a new word, with "a" or "an" as the word needs it."""
    found = re.search(r"\b(an?)(\s+)$", before, flags=re.IGNORECASE)
    if not found:
        return before
    wanted = "an" if new[0] in "aeiou" and not new.startswith("one") else "a"
    article = wanted.capitalize() if found[1][0].isupper() else wanted
    return before[: found.start()] + article + found[2]


@functools.cache
def _table() -> dict[str, Any]:
    return tomllib.loads(TABLE.read_text(encoding="utf-8"))


@functools.cache
def _fellows() -> dict[str, tuple[str, ...]]:
    """What may stand for each word or phrase."""
    table = _table()
    groups = [*table["same"], *table["adverbs"]]
    for verbs in table["verbs"]:
        groups += [[form for form in forms if form] for forms in zip(*verbs, strict=True)]
    pairs = [(word, other) for group in groups for word in group for other in group if other != word]
    fellows: dict[str, tuple[str, ...]] = {}
    for word, other in (*pairs, *table["one_way"]):
        fellows[word] = (*fellows.get(word, ()), other)
    return fellows


@functools.cache
def _phrases() -> frozenset[str]:
    """What stands only at the end of a clause."""
    return frozenset(adverb for group in _table()["adverbs"] for adverb in group if " " in adverb)


@functools.cache
def _subjects() -> frozenset[str]:
    return frozenset(_table()["subjects"].split())


@functools.cache
def _verbs() -> frozenset[str]:
    """All verbs in the forms "they bark" and "it barks"; of a phrase the first word."""
    forms = (form for verbs in _table()["verbs"] for verb in verbs for form in verb[:2] if form)
    return frozenset(form.split()[0] for form in forms) | set(_table()["also_verbs"].split())


@functools.cache
def _pattern() -> re.Pattern[str]:
    longest_first = sorted(_fellows(), key=len, reverse=True)
    either = "|".join(r"\s+".join(map(re.escape, phrase.split())) for phrase in longest_first)
    return re.compile(rf"\b(?:{either})\b", flags=re.IGNORECASE)
