"""A published file becomes a model, or is refused with one line: nothing run, nothing kept."""

from __future__ import annotations

import functools
import hashlib
import http.server
import os
import pickle
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from published import plugins, tensors, write

import hark
from hark.core.errors import HarkError, SettingError, WeightsError

SOUND = (np.sin(np.arange(20000) / 7.0).astype(np.float32) * 0.3, 8000)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HARK_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("HARK_OFFLINE", raising=False)
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    return tmp_path / "cache"


@pytest.fixture
def own(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = plugins(tmp_path / "own")
    monkeypatch.setenv("HARK_PLUGINS", str(folder))
    return folder


def kept(cache: Path) -> list[Path]:
    return [path for path in cache.rglob("*") if path.is_file()]


def test_a_published_file_is_a_model_by_its_name(own: Path, cache: Path, tmp_path: Path) -> None:
    path = write(tmp_path / "small_published.pth", {"iteration": 1, "model": tensors()})
    model = hark.load(str(path))
    assert (model.name, model.dim, model.rate_hz) == ("tests/small", 8, 8000)
    vector = model.embed_audio([SOUND])
    assert kept(cache)
    path.touch()  # converted once: the same file loads from the cache, another time stamp converts again
    np.testing.assert_array_equal(hark.load(str(path)).embed_audio([SOUND]), vector)
    assert len(kept(cache)) == 2


def test_like_tells_what_a_file_of_any_name_is(own: Path, tmp_path: Path) -> None:
    path = write(tmp_path / "mine.bin", {"model": tensors()})
    with pytest.raises(WeightsError, match="say which checkpoint it is, with --like NAME"):
        hark.load(str(path))
    assert hark.load(str(path), like="tests/small").name == "tests/small"


def test_logits_and_embeddings_are_heard_window_by_window(own: Path, tmp_path: Path) -> None:
    path = write(tmp_path / "small_published.pth", {"model": tensors()})
    model = hark.load(str(path))
    heard = model.hear(SOUND)
    assert heard.spans.shape == (len(heard.embeddings), 2)
    assert heard.logits is not None
    assert heard.logits.shape == (len(heard.spans), 5)
    unit = heard.embeddings / np.linalg.norm(heard.embeddings, axis=1, keepdims=True)
    np.testing.assert_allclose(model.embed_windows(SOUND)[1], unit, atol=1e-6)


def test_a_tower_that_only_hears_reads_no_sentences(own: Path, tmp_path: Path) -> None:
    model = hark.load(str(write(tmp_path / "small_published.pth", {"model": tensors()})))
    with pytest.raises(SettingError, match="only hears"):
        model.embed_text(["a dog"])


def test_compat_hears_all_at_once(own: Path, tmp_path: Path) -> None:
    path = str(write(tmp_path / "small_published.pth", {"model": tensors()}))
    theirs = hark.load(path, compat="published")
    with torch.inference_mode():
        whole = theirs.towers.audio(torch.from_numpy(SOUND[0])[None]).numpy()
    np.testing.assert_allclose(theirs.embed_audio([SOUND]), whole, atol=1e-6)
    assert np.abs(hark.load(path).embed_audio([SOUND]) - whole).max() > 1e-4
    with pytest.raises(SettingError, match="compat 'original': unknown"):
        hark.load(path, compat="original")


def test_a_way_that_is_not_known_is_not_passed_over(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = plugins(tmp_path / "own")
    recipe = own / "recipes" / "small.toml"
    recipe.write_text(recipe.read_text().replace('compat = { name = "crop" }\n', ""))
    monkeypatch.setenv("HARK_PLUGINS", str(own))
    path = str(write(tmp_path / "small_published.pth", {"model": tensors()}))
    with pytest.raises(SettingError, match="tests/small: compat 'published': hark knows no way of an original"):
        hark.load(path, compat="published")
    ours = hark.load(path).embed_audio([SOUND])
    np.testing.assert_array_equal(hark.load(path, compat="if-published").embed_audio([SOUND]), ours)


def renamed(made: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {("fc2.weight" if name == "fc1.weight" else name): tensor for name, tensor in made.items()}


def extra(made: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {**made, "fc9.weight": torch.zeros(2)}


def misshaped(made: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {**made, "fc1.weight": made["fc1.weight"][:-1]}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (renamed, "tensor 'audio_encoder.dense.weight' is missing"),
        (extra, "tensor 'audio_encoder.fc9.weight' has no place in the recipe"),
        (misshaped, r"tensor 'audio_encoder.dense.weight' is \(7, 8\), the recipe wants \(8, 8\)"),
    ],
)
def test_tensors_must_fit(
    own: Path,
    cache: Path,
    tmp_path: Path,
    change: Callable[[dict[str, torch.Tensor]], dict[str, torch.Tensor]],
    told: str,
) -> None:
    path = write(tmp_path / "small_published.pth", {"model": change(tensors())})
    refused(path, cache, told)


def test_a_mel_bank_must_be_the_recipes(own: Path, cache: Path, tmp_path: Path) -> None:
    own_bank = hark.load(str(write(tmp_path / "small_published.pth", {"model": tensors()}))).towers.features.bank
    right = {**tensors(), "logmel_extractor.melW": own_bank.T.clone()}
    hark.load(str(write(tmp_path / "small_published.pth", {"model": right})))
    wrong = {**tensors(), "logmel_extractor.melW": own_bank.T * 1.001}
    path = write(tmp_path / "small_published.pth", {"model": wrong})
    before = len(kept(cache))
    with pytest.raises(WeightsError, match="melW' is another mel bank"):
        hark.load(str(path))
    assert len(kept(cache)) == before


def test_a_truncated_file_is_refused(own: Path, cache: Path, tmp_path: Path) -> None:
    path = write(tmp_path / "small_published.pth", {"model": tensors()})
    path.write_bytes(path.read_bytes()[:-2000])
    refused(path, cache, "small_published.pth")


class Reduce:
    """Calls a function while it is read."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.canary),)


def with_pickle(path: Path, pickled: bytes) -> Path:
    """A checkpoint as `torch.save` makes it, whose pickle is another."""
    write(path, {"model": {"a": torch.zeros(2)}})
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, pickled if name.endswith("data.pkl") else content)
    return path


@pytest.mark.parametrize("kind", ["reduce", "build", "global"])
def test_a_malicious_file_is_refused_and_nothing_runs(own: Path, cache: Path, tmp_path: Path, kind: str) -> None:
    canary = tmp_path / "canary"
    made = {
        "reduce": pickle.dumps({"model": Reduce(canary)}, protocol=2),
        # A class of ours would get its state from the file: sys.modules of an imported module, for one.
        "build": b"\x80\x02ctypes\nSimpleNamespace\n)\x81}X\x01\x00\x00\x00aK\x01sb.",
        "global": b"\x80\x04\x8c\x08builtins\x8c\x04eval\x93.",
    }[kind]
    refused(with_pickle(tmp_path / "small_published.pth", made), cache, "refused")
    assert not canary.exists()


def refused(path: Path, cache: Path, told: str) -> None:
    with pytest.raises(WeightsError, match=told) as caught:
        hark.load(str(path))
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)
    assert not kept(cache)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    folder = tmp_path / "served"
    folder.mkdir()

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: Any) -> None: ...

    handler = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as served:
        threading.Thread(target=served.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{served.server_port}", folder
        served.shutdown()


def test_a_name_is_fetched_converted_and_kept(
    server: tuple[str, Path], cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address, folder = server
    path = write(folder / "small_published.pth", {"model": tensors()})
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    rest = f'address = "{address}/small_published.pth"\nsha256 = "{sha256}"'
    monkeypatch.setenv("HARK_PLUGINS", str(plugins(tmp_path / "own", rest)))
    monkeypatch.setenv("HARK_OFFLINE", "1")
    with pytest.raises(WeightsError, match=r"HARK_OFFLINE .*hark models convert FILE --like tests/small --to DIR"):
        hark.load("tests/small")
    assert not kept(cache)
    monkeypatch.delenv("HARK_OFFLINE")
    heard: list[tuple[int, int | None]] = []
    vector = hark.load("tests/small", progress=lambda have, of: heard.append((have, of))).embed_audio([SOUND])
    assert heard[-1] == (path.stat().st_size, path.stat().st_size)
    path.unlink()
    monkeypatch.setenv("HARK_OFFLINE", "1")
    np.testing.assert_array_equal(hark.load("tests/small").embed_audio([SOUND]), vector)


@pytest.mark.parametrize("what", ["another file", "no file"])
def test_a_wrong_fetch_is_refused(
    server: tuple[str, Path], cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    address, folder = server
    if what == "another file":
        write(folder / "small_published.pth", {"model": tensors()})
    rest = f'address = "{address}/small_published.pth"\nsha256 = "{"0" * 64}"'
    monkeypatch.setenv("HARK_PLUGINS", str(plugins(tmp_path / "own", rest)))
    with pytest.raises(WeightsError, match="404" if what == "no file" else "nothing is kept"):
        hark.load("tests/small")
    assert not kept(cache)


def test_a_download_that_is_refused_is_not_kept(
    server: tuple[str, Path], cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page that says "sorry" in the checkpoint's place: once the server is well, so is the next call."""
    address, folder = server
    (folder / "small_published.pth").write_text("<!doctype html><title>Too many requests</title>")
    rest = f'address = "{address}/small_published.pth"'
    monkeypatch.setenv("HARK_PLUGINS", str(plugins(tmp_path / "own", rest)))
    with pytest.raises(WeightsError, match="the download is not kept, the next call fetches it again") as caught:
        hark.load("tests/small")
    assert "\n" not in str(caught.value)
    assert not kept(cache)
    write(folder / "small_published.pth", {"model": tensors()})
    assert hark.load("tests/small").dim == 8


def test_the_hub_is_asked_by_name(own: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub

    path = write(tmp_path / "small_published.pth", {"model": tensors()})
    asked = []

    def give(repository: str, name: str, **_: Any) -> str:
        asked.append((repository, name))
        return str(path)

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", give)
    (own / "checkpoints" / "tests.toml").write_text(
        (own / "checkpoints" / "tests.toml").read_text().replace('file = "', 'address = "hf:some/where/')
    )
    from hark.checkpoints import rows

    rows._of_folder.cache_clear()
    assert hark.load("tests/small").dim == 8
    assert asked == [("some/where", "small_published.pth")]


def test_no_address_says_what_to_do(own: Path) -> None:
    with pytest.raises(WeightsError, match=r"nowhere to fetch it from \('small_published.pth'\); get the file and run"):
        hark.load("tests/small")


def test_random_weights_need_no_file(own: Path, cache: Path) -> None:
    first = hark.load("tests/small", weights="none")
    assert first.stamp == "random-0"
    np.testing.assert_array_equal(
        first.embed_audio([SOUND]), hark.load("tests/small", weights="none").embed_audio([SOUND])
    )
    other = hark.load("tests/small", weights="none", seed=1)
    assert np.abs(first.embed_audio([SOUND]) - other.embed_audio([SOUND])).max() > 1e-3
    assert not kept(cache)


@pytest.mark.parametrize("name", ["panns/cnn14", "laion/630k-audioset-bset", "missing.pth"])
def test_wrong_names_get_one_line(cache: Path, name: str) -> None:
    with pytest.raises(HarkError) as caught:
        hark.load(name)
    told = {
        "panns/cnn14": "its weights are called panns-cnn14-map431",
        "laion/630k-audioset-bset": "did you mean 'laion/630k-audioset-best'?",
        "missing.pth": "missing.pth: no such file",
    }
    assert told[name] in str(caught.value)
