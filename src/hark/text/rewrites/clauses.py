"""Says the clauses of a sentence about a sound in another order, with the words that join them changed to fit."""

from __future__ import annotations

import re
from collections.abc import Iterator

from hark.text.rewrites.sound_words import begins_clause, has_verb, is_clause

_TAILS = ("in the background", "in the distance", "in the foreground", "nearby")
_AT_ONCE = re.compile(r",?\s+(while|as|when)\s+", flags=re.IGNORECASE)
_FOLLOWED = re.compile(r",?\s+(?:is\s+|are\s+)?followed\s+by\s+", flags=re.IGNORECASE)
_THEN = re.compile(r"(?:,|\s+and|,\s+and)\s+then\s+", flags=re.IGNORECASE)
_BEFORE = re.compile(r",?\s+before\s+", flags=re.IGNORECASE)
_AND = re.compile(r",?\s+and\s+", flags=re.IGNORECASE)


def reordered(text: str) -> Iterator[str]:
    """Other orders of the sentence, the surest first; none where it has one clause. No capital, no full stop.

    A sentence is cut only where one joining word stands: with two, what belongs to what is not told by rules.
    """
    yield from _at_once(text)
    yield from _one_after_the_other(text)
    yield from _both(text)
    for tail in _TAILS:
        if text.casefold().endswith(f" {tail}") and not any(joint.search(text) for joint in (_AT_ONCE, _FOLLOWED)):
            front = text[: -len(tail)].rstrip(" ,")
            if front.split()[-1].casefold() not in ("and", "or", "heard"):
                yield f"{tail}, {small(front)}"


def _at_once(text: str) -> Iterator[str]:
    halves = _halves(_AT_ONCE, text)
    if halves is None:
        return
    first, second = halves
    joint = next(iter(_AT_ONCE.findall(text))).casefold()
    if joint == "as" and not begins_clause(second):  # "as if", "as loud as", "such as"
        return
    if not has_verb(second):
        return
    yield f"{joint} {second}, {small(first)}"
    if begins_clause(second) and joint != "when" and not _AND.search(text):
        yield f"{second} {joint} {small(first)}"
        yield f"{small(first)}, and at the same time {second}"


def _one_after_the_other(text: str) -> Iterator[str]:
    if halves := _halves(_FOLLOWED, text):
        first, second = halves
        yield f"first {small(first)}, then {second}"
        yield f"{second} after {small(first)}"
    elif _AT_ONCE.search(text):
        return
    elif halves := _halves(_THEN, text):
        first, second = halves
        yield f"first {small(first)}, and after that {second}"
        if begins_clause(second):
            yield f"after {small(first)}, {second}"
    elif (halves := _halves(_BEFORE, text)) and begins_clause(halves[1]):
        first, second = halves
        yield f"{small(first)}, and then {second}"
        yield f"{second} after {small(first)}"


def _both(text: str) -> Iterator[str]:
    """ "Birds sing and a dog barks" the other way round; not "a man opens a door and a drawer"."""
    if "," in text or any(joint.search(text) for joint in (_AT_ONCE, _FOLLOWED, _THEN, _BEFORE)):
        return
    halves = _halves(_AND, text)
    if halves is None:
        return
    first, second = halves
    whole = begins_clause(second) and is_clause(first) and is_clause(second)
    names = len(first.split()) <= 2 and len(second.split()) <= 2 and not is_clause(first) and not is_clause(second)
    if whole or names:
        yield f"{second} and {small(first)}"
    if whole:
        yield f"{small(first)} while {second}"


def _halves(joint: re.Pattern[str], text: str) -> tuple[str, str] | None:
    """What stands before and after the joint; None where it does not stand there exactly once."""
    parts = joint.split(text)
    if joint.groups:  # split gives what the group held as well
        parts = parts[::2]
    if len(parts) != 2 or not all(part.strip() for part in parts):
        return None
    return parts[0].strip(" ,"), parts[1].strip(" ,")


def small(text: str) -> str:
    """The text as it stands inside a sentence: its first letter small, unless the word is one of initials or "I"."""
    head = text.split(maxsplit=1)[0] if text.split() else ""
    return text if head == "I" or (len(head) > 1 and head.isupper()) else text[:1].lower() + text[1:]
