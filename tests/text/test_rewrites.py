"""Rewriters by rules and from files: what they say, that it is the same every time, and what they refuse."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hark.core import component
from hark.core.errors import DataError, SettingError
from hark.text.rewrites import clauses, sound_words
from hark.text.rewrites.file import Config as FileConfig
from hark.text.rewrites.offline import Config
from hark.text.rewrites.rewriter import distinct

SENTENCES = [
    "A dog barks while a car passes by.",
    "Rain falls steadily as thunder rumbles in the distance",
    "A bell rings, followed by people talking",
    "dog",
    "Clapping",
    "a man opens a door and a drawer",
]


def one(text, n=5, **settings):
    return Config(**settings).build().rewrite([text], n)[0]


def test_there_are_three_rewriters():
    assert component.names("text.rewrites") == ["endpoint", "file", "offline"]


@pytest.mark.parametrize(
    ("text", "orders"),
    [
        ("A dog barks while a car passes", ["while a car passes, a dog barks", "a car passes while a dog barks"]),
        ("a bell rings, followed by talking", ["first a bell rings, then talking", "talking after a bell rings"]),
        ("an engine starts and then a horn honks", ["first an engine starts, and after that a horn honks"]),
        ("birds sing and a dog barks", ["a dog barks and birds sing", "birds sing while a dog barks"]),
        ("people talk in the background", ["in the background, people talk"]),
        ("cat and dog", ["dog and cat"]),
        ("a whistle blows before a train passes", ["a train passes after a whistle blows"]),
    ],
)
def test_clauses_change_places(text, orders):
    found = list(clauses.reordered(text))
    for order in orders:
        assert order in found


@pytest.mark.parametrize(
    "text",
    [
        "a man opens a door and a drawer",  # what is opened is two things
        "a noise as loud as a train",
        "dog",
        "a person walks and talks",
        "rain falls and wind blows while birds sing and dogs bark and then stop",
    ],
)
def test_what_rules_cannot_tell_apart_stays(text):
    found = list(clauses.reordered(text))
    assert all(sorted(re.findall(r"\w+", said)) == sorted(re.findall(r"\w+", text)) for said in found)
    assert not [said for said in found if said.startswith(("a drawer", "talks", "loud"))]


def test_words_are_exchanged_in_their_own_form_with_their_article():
    assert sound_words.exchanged("Someone yells", 0) == "Somebody shouts"
    assert sound_words.exchanged("a car is speeding up", 0) == "an automobile is accelerating"
    assert sound_words.exchanged("two children were talking loudly", 0) == "two kids were speaking noisily"
    assert sound_words.exchanged("it buzzes, a child yells", 0, only=1) == "it buzzes, a kid yells"
    assert sound_words.exchanged("a scar in the carpet", 0) == "a scar in the carpet"  # whole words only


def test_a_phrase_stands_only_where_a_clause_ends():
    assert "over and over" in sound_words.exchanged("a bell rings repeatedly", 0)
    assert sound_words.exchanged("repeatedly opens a door", 0) == "repeatedly opens a door"


def test_each_word_of_the_table_gives_itself_back_nowhere():
    table = sound_words._fellows()
    assert len(table) > 150
    for word, others in table.items():
        assert word not in others
        assert len(set(others)) == len(others)
        assert all(other and other == other.strip() for other in others)


def test_a_name_and_a_clause_get_their_own_frames():
    assert "the sound of dog" in one("dog")
    assert "In this recording, a dog barks loudly at night." in one("A dog barks loudly at night.", 9)
    assert not any("in which" in said for said in one("door wood knock", 9))


@pytest.mark.parametrize("text", SENTENCES)
def test_wordings_are_other_wordings_the_same_every_time(text):
    made = one(text, 8)
    assert made == one(text, 8)
    assert len(made) >= 5
    assert distinct(made, text=text) == list(made)
    assert one(text, 3) == made[:3]


def test_a_capital_and_a_full_stop_stay():
    assert all(said[0].isupper() and said.endswith(".") for said in one(SENTENCES[0], 9))
    assert all(not said.endswith(".") for said in one("dog", 9))


def test_kinds_can_be_chosen():
    assert one("A dog barks while a car passes by.", kinds=("order",))[0] == "While a car passes by, a dog barks."
    assert one("dog", kinds=("order", "words")) == ()
    with pytest.raises(SettingError, match="kinds: none"):
        component.config("text.rewrites", {"name": "offline", "kinds": []}, where="rewriter")
    assert Config(kinds=("words",)).build().stamp != Config().build().stamp
    with pytest.raises(SettingError, match="0 paraphrases: at least 1"):
        one("dog", 0)


@given(st.text(max_size=80))
def test_any_text_has_wordings_or_none(text):
    made = one(text, 6)
    assert distinct(made, text=text) == list(made)
    assert all("\n" not in said for said in made)


def test_a_json_file_is_looked_up(tmp_path):
    path = tmp_path / "said.json"
    path.write_text(json.dumps({"A dog barks.": ["a hound barks", "A DOG  BARKS", "a dog is barking"], "rain": []}))
    rewriter = FileConfig(str(path)).build()
    assert rewriter.rewrite(["a dog  barks", "rain"], 5) == [("a hound barks", "a dog is barking"), ()]
    assert rewriter.rewrite(["a dog barks"], 1) == [("a hound barks",)]
    with pytest.raises(DataError, match=r'said\.json: nothing for "snow"; add it'):
        rewriter.rewrite(["snow"], 1)
    assert FileConfig(str(path), keep=True).build().rewrite(["snow"], 1) == [()]
    assert rewriter.stamp != _rewritten(path, {"rain": ["it rains"]}).stamp


def test_a_csv_file_may_give_a_row_or_a_column_for_each(tmp_path):
    path = tmp_path / "said.csv"
    path.write_text('text,one,two\ndog,a dog,"a dog, barking"\ncat,a cat\ndog,a hound,\n\n')
    assert FileConfig(str(path)).build().rewrite(["dog", "cat"], 5) == [
        ("a dog", "a dog, barking", "a hound"),
        ("a cat",),
    ]


def _rewritten(path, content):
    path.write_text(json.dumps(content))
    return FileConfig(str(path)).build()


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.json", b'{"a": ["b"],\n oops}', r"a\.json:2: not JSON"),
        ("a.json", b'["a"]', r"a\.json: not a table"),
        ("a.json", b'{"a": "b"}', r'a\.json: "a": not a list of texts'),
        ("a.json", b"\xff\xfe\x00", r"a\.json: not a table of UTF-8 text"),
        ("a.csv", b"text\ndog\n", r"a\.csv:1: fewer than two columns"),
        ("a.csv", b"text,said\ndog,a dog\n,x\n", r"a\.csv:3: no text"),
        ("a.csv", b"", r"a\.csv:1: fewer than two columns"),
        ("b.csv", None, r"b\.csv: cannot be read \(No such file"),
    ],
)
def test_files_that_cannot_be_used_are_refused_in_one_line(tmp_path, name, content, told):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=told) as error:
        FileConfig(str(tmp_path / name)).build()
    assert "\n" not in str(error.value)
