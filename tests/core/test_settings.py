"""Settings: what is read is what was written, and every mistake is named with its remedy."""

import tomllib
from dataclasses import asdict, dataclass
from typing import Literal

import pytest

from hark.core.errors import SettingError
from hark.core.settings import read, suggest


@dataclass(frozen=True)
class Inner:
    mels: int = 64
    scale: Literal["slaney", "htk"] = "slaney"


@dataclass(frozen=True)
class Outer:
    rate_hz: int
    inner: Inner = Inner()
    width: float = 1.0
    folds: tuple[int, ...] = ()
    top_hz: float | None = None

    def __post_init__(self) -> None:
        if self.rate_hz <= 0:
            raise ValueError("rate_hz must be above 0")


def test_what_toml_says_is_read() -> None:
    text = 'rate_hz = 16000\nwidth = 2\nfolds = [1, 2]\ntop_hz = 8e3\n[inner]\nmels = 128\nscale = "htk"\n'
    found = read(Outer, tomllib.loads(text), where="tiny.toml:")
    plain = tomllib.loads(text)
    assert asdict(found) == plain | {"folds": (1, 2)}
    assert type(found.width) is float


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("rate_hz = 1\nwdth = 2", r"^tiny.toml: wdth: unknown setting; did you mean 'width'\?$"),
        ("rate_hz = 1\nzzzz = 2", r"^tiny.toml: zzzz: unknown setting; known: folds, inner, rate_hz, top_hz, width$"),
        ("rate_hz = 1\n[inner]\nmel = 2", r"^tiny.toml: inner.mel: unknown setting; did you mean 'mels'\?$"),
        ("width = 1.0", r"^tiny.toml: rate_hz: missing; give a int$"),
        ("rate_hz = 1.5", r"^tiny.toml: rate_hz: float 1.5, expected int$"),
        ("rate_hz = true", r"^tiny.toml: rate_hz: bool True, expected int$"),
        ('rate_hz = 1\nfolds = ["a"]', r"^tiny.toml: folds\[0\]: str 'a', expected int$"),
        ('rate_hz = 1\n[inner]\nscale = "slany"', r"^tiny.toml: inner.scale: 'slany'; did you mean 'slaney'\?$"),
        ("rate_hz = 1\ninner = 3", r"^tiny.toml: inner: int 3, expected table$"),
        ("rate_hz = -1", r"^tiny.toml: rate_hz must be above 0$"),
    ],
)
def test_a_mistake_is_named(text: str, message: str) -> None:
    with pytest.raises(SettingError, match=message):
        read(Outer, tomllib.loads(text), where="tiny.toml:")


def test_the_component_owns_its_settings() -> None:
    with pytest.raises(SettingError, match=r"audio.features.mel: unknown setting of 'logmel'; did you mean 'mels'\?"):
        read(Inner, {"mel": 3}, where="tiny.toml: audio.features", owner="logmel")


def test_of_many_names_a_hint_lists_the_first() -> None:
    said = suggest("zzzz", [f"name{n:02}" for n in range(100)])
    assert said.startswith("known: name00, name01,")
    assert said.endswith("name23, ... (100 in all)")
