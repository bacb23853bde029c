"""The README's Python runs as it stands, and its commands exist."""

import functools
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from hark.audio.synth.catalogue import KINDS
from hark.runtime.load import load

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def test_the_python_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name, kind in (("dog.wav", "dog bark"), ("rain.flac", "rain"), ("Sounds/steps.wav", "footsteps")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        wave = KINDS[kind].render(np.random.default_rng(0), 16000, duration_s=5.0)
        soundfile.write(tmp_path / name, wave, 16000)
    example = re.findall(r"```python\n(.*?)```", README, re.S)[0]
    found: dict[str, object] = {}
    exec(example, found)
    vectors, scores = found["vectors"], found["scores"]
    assert isinstance(vectors, np.ndarray)
    assert isinstance(scores, np.ndarray)
    assert vectors.shape == (2, 256)
    assert scores[0, 0] > scores[0, 1]  # the dog barks
    assert scores[1, 1] > scores[1, 0]  # and the rain falls


def test_the_example_with_published_models_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import hark

    monkeypatch.chdir(tmp_path)
    soundfile.write("dog.wav", KINDS["dog bark"].render(np.random.default_rng(0), 16000, duration_s=5.0), 16000)
    # Nothing is fetched in a test: the same towers, with random weights.
    monkeypatch.setattr(hark, "load", functools.partial(load, weights="none"), raising=False)
    found: dict[str, Any] = {}
    exec(re.findall(r"```python\n(.*?)```", README, re.S)[1], found)
    assert found["heard"].embeddings.shape == (1, 768)
    assert found["heard"].logits.shape == (1, 527)
    assert found["theirs"].original is not None


def test_every_command_and_option_exists() -> None:
    code = "from hark.cli.main import main; main()"
    used = re.findall(r"^hark (\w+)(.*)$", README, re.M)
    assert len(used) > 5
    for command, rest in sorted(set(used)):
        below = rest.split()[:1] if command in ("models", "data", "runs", "submit") else []
        words = [sys.executable, "-c", code, command, *below, "--help"]
        told = subprocess.run(words, capture_output=True, text=True, check=True)
        for option in re.findall(r"(?<=\s)--?[\w-]+", rest.split("#")[0]):
            assert option in told.stdout, (command, option)
