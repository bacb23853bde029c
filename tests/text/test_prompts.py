import pytest
from hypothesis import given
from hypothesis import strategies as st

from hark.core.errors import DataError, SettingError
from hark.text.prompts import TEMPLATES, sentences, words


@pytest.mark.parametrize(
    ("label", "said"),
    [
        ("dog_bark", "dog bark"),  # UrbanSound8K
        ("Crushing_Cans", "crushing cans"),
        ("Male speech, man speaking", "male speech, man speaking"),  # AudioSet
        ("R&B", "R&B"),
        ("TV", "TV"),
        ("  glass__breaking ", "glass breaking"),
    ],
)
def test_a_label_becomes_words(label, said):
    assert words(label) == said


def test_sentences_are_those_of_the_templates_in_order():
    assert sentences("dog_bark", ["{label}", "{label}? the sound of {label}"]) == [
        "dog bark",
        "dog bark? the sound of dog bark",
    ]
    assert len(set(sentences("rain"))) == len(TEMPLATES)


@given(st.text(alphabet="{}%$ab_", min_size=1).filter(lambda label: label.strip("_")))
def test_a_label_is_never_read_as_a_template(label):
    assert sentences(label, ["hear {label}!"]) == [f"hear {words(label)}!"]


def test_what_cannot_be_worded_is_refused():
    with pytest.raises(SettingError, match=r'template "a sound": no \{label\} in it'):
        sentences("dog", ["a sound"])
    with pytest.raises(SettingError, match="no templates"):
        sentences("dog", [])
    with pytest.raises(DataError, match="label '__': no words"):
        words("__")
