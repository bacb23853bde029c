"""Vectors kept on disk: made once, the same bits, whatever is killed, damaged or changed."""

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from hark.core.errors import DataError, HarkError
from hark.data.records import Clip
from hark.eval import cache
from hark.eval.cache import cached_clips, cached_texts
from hark.eval.embed import embed_clips, embed_texts


@pytest.fixture
def model(known):
    rng = np.random.default_rng(0)
    sounds = {f"clip{i}": rng.normal(size=8) for i in range(40)}
    return known({f"text {i}": rng.normal(size=8) for i in range(10)}, sounds)


@pytest.fixture
def clips(clip):
    return [clip(f"clip{i}", [f"text {i}"]) for i in range(40)]


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "vectors"


def test_what_is_kept_is_what_was_made_and_is_not_made_twice(model, clips, folder):
    made = cached_clips(model, clips, folder=folder)
    assert len(model.heard) == 40
    again = cached_clips(model, clips[::-1], folder=folder)
    assert len(model.heard) == 40  # nothing was decoded
    assert np.array_equal(made, again[::-1])
    assert np.array_equal(made, embed_clips(model, clips))
    assert made.dtype == np.float32
    texts = list(model.texts)
    assert np.array_equal(cached_texts(model, texts, folder=folder), embed_texts(model, texts))
    model.texts = {}  # whoever asks it for a text now fails
    assert len(cached_texts(model, texts[::-1], folder=folder)) == len(texts)


def test_only_what_is_missing_is_made_and_progress_counts_it(model, clips, folder):
    cached_clips(model, clips[:25], folder=folder)
    told = []
    cached_clips(model, clips, folder=folder, progress=lambda *at: told.append(at))
    assert len(model.heard) == 40
    assert told[-1] == (15, 15)


def test_a_changed_file_another_stretch_or_model_is_another_clip(model, known, clips, folder):
    cached_clips(model, clips, folder=folder)
    clips[3].path.write_bytes(b"more")
    os.utime(clips[4].path, ns=(1, 1))
    cached_clips(model, clips, folder=folder)
    assert len(model.heard) == 42
    other = known(model.texts, model.sounds)
    other.stamp = "another"
    cached_clips(other, clips, folder=folder)
    assert len(other.heard) == 40
    same = known(model.texts, model.sounds)
    same.original, same.seed = object(), 3  # goes the way of the original's code
    cached_clips(same, clips, folder=folder)
    assert len(same.heard) == 40
    assert len(list(folder.glob("*.sqlite"))) == 3


def test_another_stretch_of_the_file_is_another_clip(clips):
    one, other = (Clip(id="x", path=clips[0].path, start_s=start, duration_s=1.0) for start in (0.0, 0.5))
    assert cache._clip_key(one) != cache._clip_key(other)
    assert cache._clip_key(one) == cache._clip_key(Clip(id="y", path=clips[0].path, start_s=0.0, duration_s=1.0))


@pytest.mark.parametrize("damage", ["flip", "cut", "nonsense", "empty"])
def test_what_is_damaged_is_made_again(model, clips, folder, damage):
    made = cached_clips(model, clips, folder=folder)
    (path,) = folder.glob("*.sqlite")
    data = bytearray(path.read_bytes())
    if damage == "flip":
        with sqlite3.connect(path) as database:
            (key, vector) = database.execute("SELECT key, vector FROM vectors LIMIT 1").fetchone()
            turned = bytes([vector[0] ^ 1]) + vector[1:]
            database.execute("UPDATE vectors SET vector = ? WHERE key = ?", (turned, key))
        database.close()
    else:
        path.write_bytes({"cut": data[: len(data) // 2], "nonsense": b"no database at all" * 99, "empty": b""}[damage])
    assert np.array_equal(cached_clips(model, clips, folder=folder), made)
    assert len(model.heard) > 40
    assert np.array_equal(cached_clips(model, clips, folder=folder), made)


def test_a_killed_run_goes_on_where_it_was(model, clips, folder):
    class Killed(BaseException):
        pass

    def kill(done, total):
        if done >= 32:
            raise Killed

    with pytest.raises(Killed):
        cached_clips(model, clips, folder=folder, progress=kill)
    assert len(model.heard) == 32
    cached_clips(model, clips, folder=folder)
    assert len(model.heard) == 40


def test_a_process_that_is_killed_leaves_what_it_had(folder):
    """The writer dies by SIGKILL in the midst; what it had put is there, and whole."""
    code = """
import os, signal, sys
from pathlib import Path
import numpy as np
from hark.eval.cache import _Store

class Named:
    name, stamp, rate_hz = "known", "0123", 8000

with _Store(Path(sys.argv[1]), Named()) as store:
    store.put(["one"], np.ones((1, 4), np.float32))
    store.database.execute("INSERT INTO vectors VALUES ('two', x'00', 0)")
    os.kill(os.getpid(), signal.SIGKILL)
"""
    found = subprocess.run([sys.executable, "-c", code, str(folder)], check=False)
    assert found.returncode == -9

    class Named:
        name, stamp, rate_hz = "known", "0123", 8000

    with cache._Store(folder, Named()) as store:
        assert store.found(["one", "two"]) == [True, False]
        assert store.get(["one"]).tolist() == [[1, 1, 1, 1]]


def test_a_missing_file_is_one_line(model, clips, folder):
    clips[2].path.unlink()
    with pytest.raises(DataError, match=r"clip 'clip2': no file .*clip2.wav; mend the path"):
        cached_clips(model, clips, folder=folder)
    assert not model.heard


def test_a_folder_that_cannot_be_is_one_line(model, clips, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(HarkError, match="cannot be written") as caught:
        cached_clips(model, clips, folder=tmp_path / "file" / "vectors")
    assert "\n" not in str(caught.value)


def test_nothing_to_embed_is_nothing(model, folder):
    assert len(cached_clips(model, [], folder=folder)) == 0


def test_it_lies_in_harks_own_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("HARK_CACHE", str(tmp_path))
    assert cache.folder() == Path(tmp_path) / "vectors"
