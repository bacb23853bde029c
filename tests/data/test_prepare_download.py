"""Fetching and unpacking: from a server on this machine, whole or not at all, and nothing outside the folder."""

import hashlib
import io
import os
import shutil
import subprocess
import tarfile
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from hark.core.errors import DataError, SettingError
from hark.core.fetch import FetchError
from hark.data.prepare.download import download, file_name
from hark.data.prepare.unpack import unpack

MODULE = """
from dataclasses import dataclass
from typing import Literal
from hark.data.card import Archive, Card

CARD = Card("Two", "", "", "", "", get="Ask the authors.", archives=({archives}))


@dataclass(frozen=True)
class Config:
    path: str
    version: Literal["1", "2"] = "2"
"""


def zipped(files):
    """The bytes of a .zip."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return made.getvalue()


def tarred(files, links=(), mode="w:gz"):
    """The bytes of a .tar; links are (name, kind, where to)."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode=mode) as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
        for name, kind, to in links:
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, to
            archive.addfile(member)
    return made.getvalue()


class Server(ThreadingHTTPServer):
    """Serves `files`; of one in `cut` the first answer ends in the middle. `asked` has what it was asked for."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files, self.cut, self.asked = {}, set(), []

    def url(self, path):
        return f"http://127.0.0.1:{self.server_port}/{path}"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        name, rest = self.path.lstrip("/"), self.headers.get("Range", "")
        self.server.asked.append((name, rest))
        content = self.server.files.get(name)
        if content is None:
            self.send_error(404)
            return
        start = int(rest.removeprefix("bytes=").removesuffix("-") or 0)
        body = content[start:]
        self.send_response(206 if rest else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if name in self.server.cut:
            self.server.cut.discard(name)
            body = body[: len(body) // 2]
            self.close_connection = True
        self.wfile.write(body)

    def log_message(self, *words):
        pass


@pytest.fixture
def server(monkeypatch):
    monkeypatch.delenv("HARK_OFFLINE", raising=False)
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with Server() as made:
        thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield made
        made.shutdown()
        thread.join()


@pytest.fixture
def corpus(tmp_path, monkeypatch):
    """Writes a corpus with archives (keyword arguments of Archive, as text) and gives its name."""

    def write(*archives):
        name = f"two_{hashlib.sha256(repr(archives).encode()).hexdigest()[:12]}"
        file = tmp_path / "plugins" / "data" / "corpora" / f"{name}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(MODULE.format(archives="".join(f"Archive({archive})," for archive in archives)))
        monkeypatch.setenv("HARK_PLUGINS", str(tmp_path / "plugins"))
        return name

    return write


def test_archives_are_fetched_once_checked_and_unpacked(tmp_path, server, corpus):
    server.files = {
        "files/a.zip/content": zipped({'audio/a," é.wav': b"A" * 5000, "__MACOSX/._a": b"x", "audio/": b""}),
        "b.tar.gz": tarred(
            {"./audio/b.wav": b"B"}, [("audio/c.wav", tarfile.SYMTYPE, "b.wav"), ("d", b"1", "audio/c.wav")]
        ),
        "meta.csv": b"file\n",
        "c.7z": b"7z",
    }
    name = corpus(
        f"{server.url('files/a.zip/content')!r}, md5={hashlib.md5(server.files['files/a.zip/content']).hexdigest()!r}",
        f"{server.url('b.tar.gz?download=1')!r}, size={len(server.files['b.tar.gz'])}",
        repr(server.url("meta.csv")),
        repr(server.url("c.7z")),
    )
    server.files["b.tar.gz?download=1"] = server.files["b.tar.gz"]
    out, heard = tmp_path / "out", []
    fetched = download(name, out, progress=lambda *said: heard.append(said))
    assert [file.path.name for file in fetched] == ["a.zip", "b.tar.gz", "meta.csv", "c.7z"]
    assert [file.by_hand for file in fetched] == ["", "", "", "unpack it by hand: 7z x c.7z"]
    found = {str(file.relative_to(out)): file.read_bytes() for file in out.rglob("*") if file.is_file()}
    unpacked = {name: content for name, content in found.items() if "/" in name or name == "d"}
    assert unpacked == {'audio/a," é.wav': b"A" * 5000, "audio/b.wav": b"B", "audio/c.wav": b"B", "d": b"B"}
    assert not any(file.is_symlink() for file in out.rglob("*"))
    assert not list(out.rglob("*.part"))
    assert heard[-1] == ("c.7z", 2, 2)
    assert len(server.asked) == 4
    (out / "a.zip").unlink()  # what was unpacked need not be kept
    assert download(name, out) == fetched
    assert len(server.asked) == 4


def test_a_cut_is_gone_on_from(tmp_path, server, corpus):
    server.files["a.zip"] = zipped({"a.wav": os.urandom(50_000)})
    server.cut = {"a.zip"}
    name = corpus(f"{server.url('a.zip')!r}, sha256={hashlib.sha256(server.files['a.zip']).hexdigest()!r}")
    with pytest.raises(FetchError, match="try again to go on"):
        download(name, tmp_path / "out")
    download(name, tmp_path / "out")
    assert (tmp_path / "out" / "a.wav").stat().st_size == 50_000
    assert server.asked[1] == ("a.zip", f"bytes={len(server.files['a.zip']) // 2}-")


def test_another_file_than_the_published_one(tmp_path, server, corpus):
    server.files["a.zip"] = zipped({"a.wav": b"A"})
    name = corpus(f"{server.url('a.zip')!r}, md5='0123'")
    with pytest.raises(FetchError, match=r"its md5 is .*, not 0123; nothing is kept"):
        download(name, tmp_path / "out")
    assert not list((tmp_path / "out").rglob("*.*zip*"))


def test_what_is_not_public_is_refused_with_the_way_to_get_it(tmp_path, corpus):
    with pytest.raises(DataError, match=r"hark cannot fetch Two; Ask the authors\.$"):
        download(corpus(), tmp_path / "out")
    assert not (tmp_path / "out").exists()
    with pytest.raises(DataError, match="folder: not a published corpus"):
        download("folder", tmp_path / "out")
    with pytest.raises(SettingError, match="no 'clohto' among"):
        download("clohto", tmp_path / "out")


@pytest.mark.parametrize("name", ["../up", "a/../../up", "/abs/up", "..\\up", "C:\\up", ".."])
@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_no_member_leads_out(tmp_path, name, kind):
    archive = tmp_path / f"bad.{kind}"
    archive.write_bytes(zipped({name: b"x"}) if kind == "zip" else tarred({name: b"x"}, mode="w"))
    with pytest.raises(DataError, match=r"bad\.\w+: '.*' would lie outside of the folder"):
        unpack(archive, tmp_path / "out" / "in")
    assert [file.name for file in tmp_path.rglob("*") if file.is_file()] == [archive.name]


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE])
def test_no_link_leads_out(tmp_path, kind):
    (tmp_path / "secret").write_text("secret")
    archive = tmp_path / "bad.tar"
    archive.write_bytes(tarred({}, [("a", kind, "../secret")], mode="w"))
    with pytest.raises(DataError, match=r"bad\.tar: 'a' is no file, or a link to nothing in it"):
        unpack(archive, tmp_path / "out")
    assert not (tmp_path / "out" / "a").exists()


def test_a_damaged_archive_is_one_line_and_leaves_no_half_file(tmp_path):
    good = zipped({"a.wav": os.urandom(9000)})
    for name, content in (
        ("a.zip", good[:100]),
        ("b.zip", good[:3000] + bytes(100) + good[3100:]),
        ("c.tar.gz", tarred({"a.wav": os.urandom(9000)})[:4000]),
        ("d.tar", b"no"),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(DataError, match=rf"{name}: cannot be unpacked \(.+\); fetch it again") as caught:
            unpack(tmp_path / name, tmp_path / "out")
        assert "\n" not in str(caught.value)
        assert not (tmp_path / "out" / "a.wav").exists()


@pytest.fixture(scope="module")
def split(tmp_path_factory):
    """What Info-ZIP made of 20 files, in parts of 64 KiB, and the files; it starts files in every part."""
    if shutil.which("zip") is None:
        pytest.skip("Info-ZIP is not installed")
    folder = tmp_path_factory.mktemp("split")
    (folder / "x" / "audio").mkdir(parents=True)
    files = {f"audio/{number}.wav": os.urandom(9000) for number in range(20)}
    for name, content in files.items():
        (folder / "x" / name).write_bytes(content)
    subprocess.run(["zip", "-q", "-r", "-s", "64k", folder / "big.zip", "audio"], cwd=folder / "x", check=True)
    return {part.name: part.read_bytes() for part in folder.glob("big.z*")}, files


def test_a_split_archive_is_unpacked_when_all_its_parts_are_there(tmp_path, server, corpus, split):
    parts, files = split
    assert sorted(parts) == ["big.z01", "big.z02", "big.zip"]
    server.files = parts | {"other.zip": zipped({"b.wav": b"B"})}
    for order in (["big.zip", "other.zip", "big.z01", "big.z02"], ["big.z02", "big.z01", "big.zip", "other.zip"]):
        out = tmp_path / order[0]
        name = corpus(*(repr(server.url(part)) for part in order))
        fetched = download(name, out)
        assert [file.path.name for file in fetched] == order
        assert not any(file.by_hand for file in fetched)
        assert {file: (out / file).read_bytes() for file in files} == files
        for part in parts:
            (out / part).unlink()
        asked = len(server.asked)
        assert download(name, out) == fetched
        assert len(server.asked) == asked


def test_a_cut_between_the_parts_is_gone_on_from(tmp_path, server, corpus, split):
    server.files, files = split
    server.cut = {"big.z02"}
    name = corpus(*(repr(server.url(part)) for part in ("big.zip", "big.z01", "big.z02")))
    with pytest.raises(FetchError, match="try again to go on"):
        download(name, tmp_path)
    assert not (tmp_path / "audio").exists()
    download(name, tmp_path)
    assert {file: (tmp_path / file).read_bytes() for file in files} == files


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"big.z01": None}, "its part big.z01 is not there; fetch all 3 parts"),
        ({"big.z03": b"x"}, "4 parts lie there, it has 3"),
        ({"big.zip": b"no end"}, r"cannot be unpacked \(it has no end\); fetch it again"),
        ({"big.z02": b""}, r"cannot be unpacked \(.+\); fetch it again"),
    ],
)
def test_a_split_archive_that_is_not_whole_is_one_line(tmp_path, split, change, message):
    for part, content in (split[0] | change).items():
        if content is not None:
            (tmp_path / part).write_bytes(content)
    with pytest.raises(DataError, match=f"big.zip: {message}") as caught:
        unpack(tmp_path / "big.zip", tmp_path / "out")
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.rglob("*.part"))


def test_no_member_of_a_split_archive_leads_out(tmp_path):
    if shutil.which("zip") is None:
        pytest.skip("Info-ZIP is not installed")
    (tmp_path / "in" / "x").mkdir(parents=True)
    (tmp_path / "in" / "up").write_bytes(os.urandom(100_000))
    command = ["zip", "-q", "-s", "64k", tmp_path / "in" / "big.zip", "../up"]
    subprocess.run(command, cwd=tmp_path / "in" / "x", check=True)
    with pytest.raises(DataError, match=r"big.zip: '\.\./up' would lie outside of the folder"):
        unpack(tmp_path / "in" / "big.zip", tmp_path / "out")


def versions(server, corpus):
    """A corpus of two versions, whose lists have the same name."""
    server.files = {
        "doc.zip": zipped({"doc": b"both"}),
        "1.zip": zipped({"list": b"1", "a": b"1"}),
        "2.zip": zipped({"list": b"2", "b": b"2"}),
    }
    of = [f"{server.url(f'{version}.zip')!r}, only={{'version': '{version}'}}" for version in "12"]
    return corpus(repr(server.url("doc.zip")), *of)


@pytest.mark.parametrize(
    ("options", "files"),
    [
        ({}, {"doc": b"both", "list": b"2", "b": b"2"}),
        ({"version": "2"}, {"doc": b"both", "list": b"2", "b": b"2"}),
        ({"version": "1"}, {"doc": b"both", "list": b"1", "a": b"1"}),
    ],
)
def test_only_the_version_that_is_asked_for_is_fetched(tmp_path, server, corpus, options, files):
    fetched = download(versions(server, corpus), tmp_path / "out", options=options)
    assert [file.path.name for file in fetched] == ["doc.zip", f"{files['list'].decode()}.zip"]
    made = {file.name: file.read_bytes() for file in (tmp_path / "out").iterdir() if file.suffix != ".zip"}
    assert {name: content for name, content in made.items() if not name.startswith(".")} == files


def test_versions_do_not_mix_in_one_folder(tmp_path, server, corpus):
    name = versions(server, corpus)
    download(name, tmp_path / "out", options={"version": "1"})
    with pytest.raises(DataError, match=f"holds {name} with version=1; give another folder for version=2"):
        download(name, tmp_path / "out")
    assert (tmp_path / "out" / "list").read_bytes() == b"1"
    download(name, tmp_path / "out", options={"version": "1"})


def test_versions_that_cannot_be_fetched(tmp_path, server, corpus):
    name = versions(server, corpus)
    for options, message in (
        ({"version": "3"}, f"{name}.version: '3'; known: 1, 2"),
        ({"verison": "1"}, f"{name}.verison: nothing that is fetched depends on it; did you mean 'version'"),
    ):
        with pytest.raises(SettingError, match=message):
            download(name, tmp_path / "out", options=options)
    only = corpus(f"{server.url('1.zip')!r}, only={{'version': '1'}}")
    with pytest.raises(DataError, match="hark cannot fetch Two with version=2; Ask the authors"):
        download(only, tmp_path / "out")
    with pytest.raises(DataError, match="hark cannot fetch Kinetics with version=600; Run the download scripts"):
        download("kinetics", tmp_path / "out", options={"version": "600"})
    assert not (tmp_path / "out").exists()


def test_names_of_files():
    assert file_name("https://zenodo.org/records/1/files/a%20b.7z?download=1") == "a_b.7z"
    assert file_name("https://zenodo.org/api/records/1/files/x.zip/content") == "x.zip"
    assert file_name("https://host/%2e%2e%2f.hidden") == "_.hidden"
    assert file_name("https://host/data") == "data"
