from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from hark.core.errors import SoundError
from hark.data.records import Clip


class KnownModel:
    """A model whose vectors are given: of texts by the text, of whole files by the file's name."""

    name = "known"
    stamp = "0123456789abcdef"
    rate_hz = 8000

    def __init__(self, texts: Mapping[str, np.ndarray], sounds: Mapping[str, np.ndarray]):
        self.texts, self.sounds, self.heard = texts, sounds, []

    def embed_text(self, texts):
        return np.stack([unit(self.texts[text]) for text in texts])

    def embed_audio(self, sources):
        vectors = []
        for source in sources:
            self.heard.append(source)
            if not isinstance(source, Path):
                source = Path("stretch")
            if source.stem not in self.sounds:
                raise SoundError(f"{source.name}: not a sound")
            vectors.append(unit(self.sounds[source.stem]))
        return np.stack(vectors)


def unit(vector):
    vector = np.asarray(vector, dtype=np.float64)
    return (vector / np.linalg.norm(vector)).astype(np.float32)


@pytest.fixture
def known():
    return KnownModel


@pytest.fixture
def clip(tmp_path):
    """Makes a clip with an (empty) file of its own; KnownModel does not read it."""

    def make(name, captions=(), labels=()):
        path = tmp_path / f"{name}.wav"
        path.touch()
        return Clip(id=name, path=path, captions=tuple(captions), labels=tuple(labels))

    return make
