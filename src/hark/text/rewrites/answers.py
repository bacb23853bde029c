"""Reads what a chat endpoint answers: the text of the message, the paraphrases in it, the tokens that it took."""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

_ITEM = re.compile(r"^\s*(?:\d+\s*[.):]|[-*•])\s+(.+?)\s*$")


class Unusable(Exception):  # noqa: N818 - it never leaves this package
    """An answer that is not what was asked for; another try may give a better one."""


class Answer(NamedTuple):
    """The message's text, and how many tokens were read and written; None where the server does not count."""

    text: str
    read: int | None
    written: int | None


def parse(body: bytes) -> Answer:
    """The answer in a body of the chat completions protocol.

    Raises Unusable.
    """
    try:
        found = json.loads(body)
    except ValueError:
        raise Unusable(f"the answer is not JSON ({_start(body)})") from None
    try:
        text = found["choices"][0]["message"]["content"]
    except (KeyError, IndexError, TypeError):
        raise Unusable(f"the answer has no choices[0].message.content ({_start(body)})") from None
    if not isinstance(text, str) or not text.strip():
        raise Unusable("the answer's message is empty")
    usage = found.get("usage")
    counts = usage if isinstance(usage, dict) else {}
    return Answer(text, _count(counts.get("prompt_tokens")), _count(counts.get("completion_tokens")))


def sentences(text: str) -> list[str]:
    """The sentences that a message lists: as JSON (bare, in a fence, or in a table), or else numbered or dotted lines.

    Raises Unusable where it lists none.
    """
    listed = _from_json(text)
    if listed is None:
        listed = [found[1].strip('"') for line in text.splitlines() if (found := _ITEM.match(line))]
    if not listed:
        raise Unusable(f"the message lists no sentences ({_start(text.encode())})")
    return listed


def _from_json(text: str) -> list[str] | None:
    for opening, closing in ("[]", "{}"):
        start, end = text.find(opening), text.rfind(closing)
        if start < 0 or end < start:
            continue
        try:
            found = json.loads(text[start : end + 1])
        except ValueError:
            continue
        found = _only_list(found)
        if found is not None and all(isinstance(item, str) for item in found):
            return found
    return None


def _only_list(found: Any) -> list[Any] | None:
    """The list itself, or the one list in a table, such as {"paraphrases": [...]}."""
    if isinstance(found, list):
        return found
    lists = [value for value in found.values() if isinstance(value, list)] if isinstance(found, dict) else []
    return lists[0] if len(lists) == 1 else None


def _count(found: Any) -> int | None:
    return found if type(found) is int and found >= 0 else None


def _start(body: bytes) -> str:
    """The beginning of what came, in one line."""
    said = " ".join(body[:400].decode("utf-8", errors="replace").split())
    said = "".join(letter for letter in said if letter.isprintable())
    return f'"{said[:60]}..."' if len(said) > 60 else f'"{said}"'
