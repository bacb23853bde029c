"""Words of captions, against the Penn Treebank's own tokenizer as `pycocoevalcap` runs it."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

import pytest

from hark.text.ptb import tokenise

CAPTIONS = Path(os.environ.get("HARK_CAPTIONS", "../shared/captions"))
LEFT_OUT = {"''", "'", "``", "`", "-LRB-", "-RRB-", "-LCB-", "-RCB-", ".", "?", "!", ",", ":", "-", "--", "...", ";"}
JAR = "stanford-corenlp-3.4.1.jar"

HARD = {  # what the Java program makes of them; a test below asks it again
    "A dog's bark, then it stops.": "a dog 's bark then it stops",
    "I can't and don't; it's low-pitched": "i ca n't and do n't it 's low-pitched",
    "You cannot hear 'it'": "you can not hear it",
    "They've said they'll, they'd, I'm; isn\u2019t": "they 've said they 'll they 'd i 'm is n't",
    "DON'T! Dogs' and DOG'S": "do n't dogs and dog 's",
    "Y'all gonna, wanna, gotta; lemme, gimme": "y' all gon na wan na got ta lem me gim me",
    "'Tis ol' rock 'n' roll, ma'am": "'t is ol' rock 'n' roll ma'am",
    "O'Neill at ten o'clock, d'or": "o'neill at ten o'clock d'or",
    "the '60s, 1960's and 80s'": "the '60s 1960 's and 80s",
    "it passes (twice) [loudly] {far}": "it passes -lrb- twice -rrb- -lsb- loudly -rsb- -lcb- far -rcb-",
    "St. Mary's, Mr. Smith, etc., vs. x": "st. mary 's mr. smith etc. vs. x",
    "over the p.a. system in the U.S.": "over the p.a. system in the u.s.",
    "No. 5 is no. 6; the answer is no.": "no. 5 is no. 6 the answer is no",
    "in wash. or Wash. D.C.": "in wash or wash. d.c.",
    "A car of c. 1935 in c.1935": "a car of c. 1935 in c. 1935",
    "He said B. The end": "he said b the end",
    "also., and foo.; bar.": "also. and foo. bar",
    "a.m. and 8:00am, 8 p.m.": "a.m. and 8:00 am 8 p.m.",
    "44.1kHz, 24bit, 5.6mm, 35mm, 7.1-channel": "44.1 khz 24bit 5.6 mm 35mm 7.1-channel",
    "2,400 or 2.5 or .50 or -5 or +13": "2,400 or 2.5 or .50 or -5 or +13",
    "3 1/2 inches, 1/2, 5/6/2013": "3\xa01/2 inches 1/2 5/6/2013",
    "48'6\" long, at 1'30\"": "48 6 long at 1 30",
    "44-40, 5-year-old, on/off, a/b/c/d": "44-40 5-year-old on/off a/b/c / d",
    "AT&T, R&B and fire & engines": "at&t r&b and fire & engines",
    "C# and C++ and G# 3": "c# and c++ and g # 3",
    "100% for $30, #2 * 3 = 6": "100 % for $ 30 # 2 * 3 = 6",
    "Wow!! Really?! No... yes.": "wow !! really ?! no yes",
    "a--b \u2013 c — d … e": "a b c d e",
    "hey,you;there:now": "hey you there now",
    "he said.Then left!now": "he said.then left!now",
    "file glass_break.wav of freesound.org": "file glass_break wav of freesound.org",
    "see https://a.b/c?d=e, or x@y.com": "see https://a.b/c?d=e or x@y.com",
    "fun :) and ;-) or :D": "fun :-rrb- and ;--rrb- or :d",
    "<b>loud</b> &amp; <br/> near": "<b> loud </b> & <br/> near",
    "a “quoted” \u2018word\u2019 \"here\"": "a quoted word here",
    "café naïve 5° ±": "café naïve 5 ° ±",
    "": "",
    " , . ": "",
}  # fmt: skip


def java_words(texts: list[str]) -> list[list[str]]:
    """What pycocoevalcap's tokenizer makes of each; a line between two keeps one from being read with the next."""
    spec = find_spec("pycocoevalcap")
    places = [*(spec.submodule_search_locations or ())] if spec else []
    places += [os.environ[name] for name in ("HARK_CAPTION_JARS",) if name in os.environ]
    jar = next((jar for place in places if (jar := Path(place) / "tokenizer" / JAR).is_file()), None)
    if shutil.which("java") is None:
        pytest.skip("no Java")
    if jar is None:
        pytest.skip(f"no {JAR}; pycocoevalcap has it")
    command = ["java", "-Dfile.encoding=UTF-8", "-cp", str(jar), "edu.stanford.nlp.process.PTBTokenizer"]
    lines = "".join(f"{text}\nx\n" for text in texts)
    ran = subprocess.run(
        [*command, "-preserveLines", "-lowerCase"], input=lines.encode(), capture_output=True, timeout=300, check=True
    )
    found = ran.stdout.decode().split("\n")[::2]
    return [
        [word for word in line.rstrip().split(" ") if word and word not in LEFT_OUT] for line in found[: len(texts)]
    ]


def corpus(name: str) -> list[str]:
    """The different captions of a corpus, or descriptions of sounds, one line each."""
    files = sorted(CAPTIONS.glob(f"{name}*"))
    if not files:
        pytest.skip(f"{CAPTIONS} has no captions of {name}; HARK_CAPTIONS names the folder")
    found: set[str] = set()
    for path in files:
        if path.suffix == ".json":
            rows = json.loads(path.read_text(encoding="utf-8"))["data"]
        else:
            with path.open(encoding="utf-8", errors="replace", newline="") as file:
                rows = list(csv.DictReader(file))
        for row in rows:
            found.update(value for key, value in row.items() if key.startswith(("caption", "description", "title")))
    return sorted(" ".join(text.splitlines()) for text in found if text)


@pytest.mark.parametrize("text", HARD)
def test_hard_cases(text: str) -> None:
    assert " ".join(tokenise(text)) == HARD[text]


def test_the_hard_cases_are_the_tokenizers() -> None:
    assert [" ".join(words) for words in java_words(list(HARD))] == list(HARD.values())


@pytest.mark.parametrize("name", ["audiocaps", "clotho", "wavtext5k", "bbc", "soundbible"])
def test_all_captions_of_a_corpus(name: str) -> None:
    texts = corpus(name)
    wrong = [
        (text, wanted, found)
        for text, wanted in zip(texts, java_words(texts), strict=True)
        if (found := tokenise(text)) != wanted
    ]
    assert not wrong, f"{len(wrong)} of {len(texts)}, as {wrong[:3]}"


def test_descriptions_with_tags_and_other_scripts() -> None:
    texts = corpus("foleyset")
    wrong = [text for text, wanted in zip(texts, java_words(texts), strict=True) if tokenise(text) != wanted]
    assert len(wrong) <= 0.004 * len(texts), wrong[:5]


def test_ordinary_captions_take_the_short_way_to_the_same_words() -> None:
    for text in ("A dog barks, then birds sing.", "Wind and rain, and a car", "Etc. and so on"):
        assert tokenise(text) == tokenise(f"{text} :")


def test_long_senseless_texts_are_no_trouble() -> None:
    for part in ("a-", "a.", "<a", "a,", "a@", "a!", "a_", "'", "don't", "http://)"):
        tokenise(part * 3000 + "é")
