"""What is found is what looking at every vector in float64 finds."""

import sqlite3
from pathlib import Path

import numpy as np
import pytest
from band_model import BandModel, write_bands

from hark.core.errors import LibraryError, SettingError
from hark.index.matrix import CACHE, Matrix
from hark.index.sqlite import writing
from hark.search import query
from hark.search.engine import Library


@pytest.fixture
def library(tmp_path: Path) -> Library:
    rng = np.random.default_rng(0)
    for i in range(30):
        bands = rng.integers(0, BandModel.dim, size=rng.integers(1, 6)).tolist()
        write_bands(tmp_path / "sounds" / f"{i % 3}" / f"{i}.wav", bands, seed=i // 2)  # some sound the same
    opened = Library(tmp_path / "library", BandModel())  # type: ignore[arg-type]
    opened.index(tmp_path / "sounds")
    return opened


def brute_force(library: Library, asked: np.ndarray) -> list[tuple[float, str, float, float]]:
    """(score, path, start, end) of every window, from SQLite and NumPy in float64 alone."""
    plain = sqlite3.connect(library.folder / "library.sqlite")
    rows = plain.execute("SELECT path, start_s, end_s, vector FROM file JOIN span ON file_id = file.id").fetchall()
    plain.close()
    found = []
    for path, start_s, end_s, blob in rows:
        vector = np.frombuffer(blob, "<f2").astype(np.float64)
        found.append((float(vector @ asked / np.linalg.norm(vector) / np.linalg.norm(asked)), path, start_s, end_s))
    return sorted(found, key=lambda f: (-round(f[0], 6), f[1], f[2]))


@pytest.mark.parametrize("text", [f"band {i}" for i in range(0, 16, 3)])
def test_every_window_has_its_cosine(library: Library, text: str) -> None:
    expected = brute_force(library, BandModel().embed_text([text])[0].astype(np.float64))
    hits = library.search(text, k=10_000, per_file=False)
    assert len(hits) == len(expected) == library.counts()[1]
    np.testing.assert_allclose([hit.score for hit in hits], [e[0] for e in expected], atol=2e-6)
    by_window = {(path, start): score for score, path, start, _ in expected}
    for hit in hits:
        assert hit.score == pytest.approx(by_window[str(hit.path), hit.start_s], abs=1e-6)


@pytest.mark.parametrize("k", [1, 5, 30, 1000])
def test_a_file_answers_once_with_its_best_window(library: Library, k: int) -> None:
    expected = brute_force(library, BandModel().embed_text(["band 4"])[0].astype(np.float64))
    best: dict[str, tuple[float, str, float, float]] = {}
    for window in expected:
        best.setdefault(window[1], window)
    hits = library.search("band 4", k=k)
    assert len(hits) == min(k, 30)
    assert len({hit.path for hit in hits}) == len(hits)
    np.testing.assert_allclose([hit.score for hit in hits], [e[0] for e in list(best.values())[:k]], atol=2e-6)
    for hit in hits:
        assert (hit.start_s, hit.end_s) == best[str(hit.path)][2:]


def test_the_second_is_found(tmp_path: Path) -> None:
    write_bands(tmp_path / "sounds" / "long.wav", [1, 1, 1, 1, 9, 1, 1])
    write_bands(tmp_path / "sounds" / "other.wav", [2, 3])
    with Library(tmp_path / "library", BandModel()) as library:  # type: ignore[arg-type]
        library.index(tmp_path / "sounds")
        hit = library.search("band 9")[0]
    assert (hit.path.name, hit.start_s, hit.end_s) == ("long.wav", 4.0, 5.0)
    assert hit.score > 0.99


def test_a_sound_finds_itself_and_both_are_the_normalised_sum(library: Library) -> None:
    sound = library.search("band 4", k=7)[6].path
    heard = BandModel().embed_audio([sound])[0].astype(np.float64)
    said = BandModel().embed_text(["band 4"])[0].astype(np.float64)
    for text, asked in ((None, heard), ("band 4", heard + said)):
        hits = library.search(text, like=sound, k=9, per_file=False)
        expected = brute_force(library, asked)[:9]
        np.testing.assert_allclose([hit.score for hit in hits], [e[0] for e in expected], atol=2e-6)


def test_the_same_sound_under_many_names_comes_in_the_order_of_the_names(tmp_path: Path) -> None:
    for name in ("m", "b", "z", "a/z", "a"):
        write_bands(tmp_path / "sounds" / f"{name}.wav", [5, 2, 5, 5], seed=1)
    for i in range(8):
        write_bands(tmp_path / "sounds" / f"noise{i}.wav", [i], seed=i)
    model = BandModel()
    plain = model.embed_windows
    model.embed_windows = lambda source: (plain(source)[0], np.round(plain(source)[1]))  # type: ignore[method-assign]
    with Library(tmp_path / "library", model) as library:  # type: ignore[arg-type]
        library.index(tmp_path / "sounds")
        hits = library.search("band 5", k=4)
        spans = library.search("band 5", k=5, per_file=False)
    names = [str(hit.path.relative_to(tmp_path / "sounds")) for hit in hits]
    assert names == ["a.wav", "a/z.wav", "b.wav", "m.wav"]
    assert {hit.start_s for hit in hits} == {0.0}
    assert [(span.path.name, span.start_s) for span in spans] == [
        ("a.wav", 0.0), ("a.wav", 2.0), ("a.wav", 3.0), ("z.wav", 0.0), ("z.wav", 2.0)
    ]  # fmt: skip


def matrix_of(vectors: np.ndarray, firsts: list[int]) -> Matrix:
    halves = vectors.astype("<f2")
    scales = (1 / np.linalg.norm(halves.astype(np.float32), axis=1)).astype(np.float32)
    return Matrix("", halves, scales, np.arange(len(halves)), np.array(firsts))


@pytest.mark.parametrize("dim", [1, 7, 16, 100, 512])
def test_the_same_vector_has_the_same_score_in_whatever_row(dim: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(dim)
    vectors = rng.standard_normal((300, dim))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    asked, order = vectors[0].astype(np.float32), rng.permutation(300)
    found = query.scores(matrix_of(vectors, [0]), asked)
    for chunk in (1, 7, 128):
        monkeypatch.setattr(query, "CHUNK", chunk)
        np.testing.assert_array_equal(query.scores(matrix_of(vectors[order], [0]), asked), found[order])
    np.testing.assert_allclose(found, vectors @ asked, atol=2e-3)


@pytest.mark.parametrize("seed", range(20))
def test_the_best_are_those_that_sorting_finds_with_many_ties(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = int(rng.integers(1, 60))
    firsts = (
        [0, *sorted(rng.choice(np.arange(1, rows), size=rng.integers(0, rows), replace=False))] if rows > 1 else [0]
    )
    vectors = np.eye(4)[rng.integers(0, 4, size=rows)]  # four different scores
    matrix, asked = matrix_of(vectors, firsts), np.array([0.8, 0.5, 0.3, 0.0], np.float32)
    found = (vectors @ asked).tolist()
    for k in (1, 2, 5, 100):
        expected = sorted(range(rows), key=lambda row: (-found[row], row))
        assert query.best(matrix, asked, k=k, per_file=False)[0].tolist() == expected[:k]
        file_of = np.searchsorted(firsts, np.arange(rows), side="right")
        firsts_only = [row for i, row in enumerate(expected) if file_of[row] not in file_of[expected[:i]]]
        assert query.best(matrix, asked, k=k, per_file=True)[0].tolist() == firsts_only[:k]


def test_a_search_sees_what_was_indexed_meanwhile(library: Library, tmp_path: Path) -> None:
    with Library(library.folder, BandModel()) as other:  # type: ignore[arg-type]
        before = len(other.search("band 1", k=1000))
        write_bands(tmp_path / "sounds" / "new.wav", [1])
        library.index(tmp_path / "sounds")
        assert len(other.search("band 1", k=1000)) == before + 1
        (library.folder / CACHE).unlink()
        assert len(other.search("band 1", k=1000)) == before + 1


def test_one_can_search_while_another_indexes(library: Library) -> None:
    with writing(library.folder, library._owner) as database:
        database.remove([str(library.search("band 1", k=1)[0].path)])
        assert len(library.search("band 1", k=1000)) == 29


def test_many_threads_search_one_library(library: Library) -> None:
    from concurrent.futures import ThreadPoolExecutor

    expected = [library.search(f"band {i}", k=3) for i in range(16)]
    library.close()
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda i: library.search(f"band {i}", k=3), range(16))) == expected


def test_questions_that_cannot_be_asked(library: Library, tmp_path: Path) -> None:
    for empty in ("", "  \n"):
        with pytest.raises(SettingError, match="the question is empty"):
            library.search(empty)
    with pytest.raises(SettingError, match="nothing is asked"):
        library.search(None)
    with pytest.raises(SettingError, match="the 0 best; ask for at least 1"):
        library.search("band 1", k=0)
    with pytest.raises(LibraryError, match="no library here yet; make one with `hark index FOLDER`"):
        Library(tmp_path / "none", BandModel()).search("band 1")  # type: ignore[arg-type]


def test_an_empty_library_says_so(tmp_path: Path) -> None:
    library = Library(tmp_path / "library", BandModel())  # type: ignore[arg-type]
    with writing(library.folder, library._owner):
        pass
    with pytest.raises(LibraryError, match="no sounds in this library"):
        library.search("band 1")


def test_another_model_is_refused(library: Library) -> None:
    model = BandModel()
    model.stamp = "fedcba9876543210"  # type: ignore[misc]
    with pytest.raises(LibraryError, match="made by other weights of 'bands'"):
        Library(library.folder, model)  # type: ignore[arg-type]
