"""What the Penn Treebank's tokenizer takes for one word; the first rule that fits is taken (see `hark.text.ptb`)."""

from __future__ import annotations

import re

_HALVES = "can not, gon na, got ta, wan na, lem me, gim me, 't is, 't was"
TWO = {halves.replace(" ", ""): tuple(halves.split()) for halves in _HALVES.split(", ")}
"""Words that are two."""

_ANY_CASE = """
    adj adm adv al ala alex apr ariz assn atty aug ave blvd bros calif capt cf cie cmdr co col colo conn corp cpl ct dak
    dec dept det dr drs esq est etc ext feb fla fri ft ga gen gov hon inc ind insp intl jan jr jul jun kan kans ky lt
    ltd maj mar md messrs mfg mich minn mlle mme mo mon mont mr mrs ms mt natl neb nev nov oct okla penn ph.d plc pres
    prof pvt rd rep rev sen sep sept sgt sr st supt tel tenn thu thurs tue tues univ va vs vt wed wis wyo
"""
_CAPITAL = "ark del ill la mass ore pa rt tex wash"  # words as well, where they are in small letters
_BEFORE_NUMBER = "ca fig figs no nos pp"
_OPENINGS = """
    A An After As At But He Her Here However If In It Last Many More Now One Other Our She Since So Some Such That The
    Their Then There These They This We What When While Yet You
"""
NOT_PLAIN = frozenset([*TWO, *_ANY_CASE.split(), *_CAPITAL.split()])
"""Words that no rule for plain words is for, at least before a full stop."""

_A = "[^\\W\\d_½¼¾]"  # a letter
_X = "[^\\W_½¼¾]"  # a letter or a digit
_WORD = f"{_X}+(?:_{_X}+)*(?:-{_X}+(?:_{_X}+)*)*"  # with hyphens
_NOT_IN = rf"(?!{_X})"


def _one_of(words: str) -> str:
    return f"(?:{'|'.join(map(re.escape, words.split()))})"


_RULES = (
    # What is written for machines
    r"</?[a-z!][^<>]*>",
    r"https?://[^\s\"<>|(){}]+?(?=[.,;:!?')\]]*(?:[\s\"<>|(){}]|$))",
    r"[\w.+-]+@[a-z0-9-]+(?:\.[a-z0-9-]+)+",
    r"@[a-z_]\w*|\#[a-z_]+",
    r"&(?:amp|lt|gt|quot);",
    # Faces, but not in front of a word
    r"[<>]?[:;=][-o*']?(?:[()\[\]\\@|]|[dp](?![a-z]))",
    # What begins with an apostrophe
    rf"'(?:tis|twas|em|cause|n|till?){_NOT_IN}(?:(?<='n)')?",
    r"'\d\d(?:s(?!\w)|(?=\s|$))",
    rf"(?:n't|'(?:s|m|d|ll|re|ve)){_NOT_IN}",
    # Numbers
    rf"\d{{1,2}}[-/]\d{{1,2}}[-/]\d{{2,4}}{_NOT_IN}",
    rf"\d{{1,4}}[- ]\d{{1,4}}/\d{{1,4}}(?![\d/])|\d{{1,4}}/\d{{1,4}}(?![\d/]|-?{_X})",
    rf"{_X}+(?:[.,]{{1,3}}{_X}+){{1,4}}(?:-{_X}+)+",
    r"(?:[-+]?\d+)?(?:[.,:]\d+)+",
    r"[-+]\d+",
    # What ends with a full stop
    rf"[a-z]\.(?!\s+(?-i:{_one_of(_OPENINGS)})\b|[a-z])|(?:[a-z]\.){{2,}}(?![a-z])",
    rf"[a-z](?:\.[a-z])+(?!\.?{_X})\.?",
    rf"{_one_of(_ANY_CASE)}\.(?![a-z])",
    rf"(?-i:{_one_of(_CAPITAL.title())}|{_one_of(_CAPITAL.upper())})\.(?![a-z])",
    rf"{_one_of(_BEFORE_NUMBER)}\.(?=\s?\d)",
    rf"(?:{_WORD})\.(?=[,;:])",
    # Names of files and machines, and what was written without a blank
    rf"(?:[a-z]{_X}*\.)+[a-z]{{2,}}/[\w/~%+=&?.-]*{_X}{{2}}/?",
    rf"[a-z]{_X}*(?:[.!?][a-z]{_X}*)+(?:-{_X}+)*(?<!n(?='t))",
    # Words
    r"(?-i:[A-Z]+(?:&[A-Z]+)+)|[A-Z]+(?:&amp;[A-Z]+)+",
    rf"[cf]\#(?!{_A})|c\+\+",
    rf"(?:o'{_A}{{2,}}|[dl]'{_A}{{2,}}|qu'{_A}+|[cn]'est|ma'am|ne'e[rn]|o'er|bo'sun){_NOT_IN}(?<!'re)(?<!'ve)(?<!'ll)",
    rf"ol'{_NOT_IN}|[jy]'(?={_A})",
    rf"{_X}+?(?=n't{_NOT_IN})",
    rf"{_WORD}(?:/{_WORD}){{0,2}}",
    # Signs
    r"[!?]{2,}|\.{3,}|\.(?:\s\.)+|-+|\*+|\#+|_+|``|''|\S",
)
TOKEN = re.compile("|".join(f"(?:{rule})" for rule in _RULES), re.IGNORECASE)
"""Each match is a word or a sign, as it stands in the text."""
