"""Captions cut into words as the COCO caption evaluation cuts them: by the Penn Treebank's rules, in lower case.

"Don't" is "do n't", "dog's" is "dog 's", "cannot" is "can not", "(St. Mary's)" is "-lrb- st. mary 's -rrb-"; words with
a hyphen or a slash inside stay whole. Then sentence marks and quotation marks are left out. Brackets stay, as names in
small letters: the evaluation means to leave them out, but looks for the names in capitals.

The rules (`ptb_rules`) are what the tokenizer that `pycocoevalcap` runs (Stanford's, 3.4.1, a Java program) does to
captions and to descriptions of sounds. Telephone numbers and East Asian scripts are not covered.
"""

from __future__ import annotations

import re

from hark.text.ptb_rules import NOT_PLAIN, TOKEN, TWO

_LEFT_OUT = frozenset(["''", "'", "``", "`", '"', ".", "?", "!", ",", ":", "-", "--", "...", ";"])
_NAMES = {"(": "-lrb-", ")": "-rrb-", "[": "-lsb-", "]": "-rsb-", "{": "-lcb-", "}": "-rcb-"}
_SIGNS = _NAMES | {"£": "#", "€": "$", "¢": "cents", "½": "1/2", "¼": "1/4", "¾": "3/4"}
_MARKS = str.maketrans(
    {
        **dict.fromkeys("\N{LEFT SINGLE QUOTATION MARK}\N{RIGHT SINGLE QUOTATION MARK}", "'"),
        **dict.fromkeys("“”«»", '"'),
        **dict.fromkeys("\N{EN DASH}\N{EM DASH}\N{HORIZONTAL BAR}", "--"),
        "…": "...",
        "\N{ZERO WIDTH SPACE}": None,
        "\N{SOFT HYPHEN}": None,
    }
)
_ENTITIES = {"&amp;": "&", "&lt;": "<", "&gt;": ">", "&quot;": '"'}
_TWO_NAMES = re.compile(r"[a-z]+(?:&amp;[a-z]+)+")  # R&amp;B
_PLAIN = re.compile(r"[A-Za-z, ]*[A-Za-z]\.?\s*")  # only words and commas, and a full stop: most captions
_WORD = re.compile("[a-z]+")


def tokenise(text: str) -> list[str]:
    """The words of a caption."""
    if _PLAIN.fullmatch(text):
        words = _WORD.findall(text.lower())
        if NOT_PLAIN.isdisjoint(words) and len(words[-1]) > 1:
            return words
    cut: list[str] = []
    for match in TOKEN.finditer(text.translate(_MARKS)):
        token = match[0].lower()
        if token not in _LEFT_OUT:
            cut.extend(_written(token))
    return cut


def _written(token: str) -> tuple[str, ...]:
    """As the Treebank writes it: what stands for a sign, and no blank inside."""
    if token in TWO:
        return TWO[token]
    if token in _SIGNS:
        return (_SIGNS[token],)
    if token[0] in "<>:;=" and token[-1] in "()":  # a face
        return (token[:-1] + _NAMES[token[-1]],)
    if token.startswith((". ", "..")) or (token.startswith("--") and len(token) < 5):
        return ()
    token = _ENTITIES.get(token, token.replace("&amp;", "&") if _TWO_NAMES.fullmatch(token) else token)
    return () if token in _LEFT_OUT else (re.sub(r"\s", "\xa0", token),)
