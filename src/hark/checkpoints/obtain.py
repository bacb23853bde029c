"""From a checkpoint's name, address or file to a model's file of ours: fetched and converted once, then kept."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

from hark import recipe as recipes
from hark.checkpoints.convert import FOLDER_WEIGHTS, Published, convert, describe, described
from hark.checkpoints.rows import Row, by_file, find
from hark.core.errors import FetchError, WeightsError
from hark.core.fetch import fetch, offline
from hark.core.files import cache_folder
from hark.recipe import Recipe

SUFFIXES = (".pt", ".pth", ".ckpt", ".bin")
CAPTIONER = "{0}: a captioner, not a model for retrieval; use it with: hark caption --model {0}"

Progress = Callable[[int, int | None], None]
"""(bytes there are, bytes there will be)"""


def obtain(row: Row, *, progress: Progress | None = None) -> Path:
    """The converted file of a row: from the cache, or fetched, converted and kept there.

    Raises WeightsError where hark cannot read it, it has no address, or it cannot be fetched; the line says what to do.
    """
    _readable(row)
    key = hashlib.sha256(repr((row, _source(row))).encode()).hexdigest()[:12]
    kept = cache_folder() / "models" / f"{row.name}-{key}.safetensors"
    if kept.is_file():
        return kept
    with usable(row, progress) as path:
        convert(_published(row, path), kept)
    return kept


def obtain_file(path: Path, *, like: str | None = None) -> Path:
    """The converted file of a checkpoint on disk; `like` names the row that it is of, where its name does not tell.

    Raises WeightsError.
    """
    stat = path.stat()
    published = identify(path, like=like)
    what = (str(path.resolve()), stat.st_size, stat.st_mtime_ns, published.family, published.recipe.source)
    key = hashlib.sha256(repr(what).encode()).hexdigest()[:12]
    kept = cache_folder() / "models" / "files" / f"{path.stem}-{key}.safetensors"
    if not kept.is_file():
        convert(published, kept)
    return kept


def obtain_hub(address: str) -> Path:
    """The converted file of a model on the hub, "hf:OWNER/NAME", that says itself what it is.

    Raises WeightsError.
    """
    try:
        return obtain_file(from_hub(address))
    except FetchError as error:
        raise WeightsError(f"{error}; download the folder and give its path") from None


def identify(path: Path, *, like: str | None = None) -> Published:
    """What a checkpoint on disk is: by `like`, by its config.json, or by the name of its file.

    Raises WeightsError where none of them tells.
    """
    if like is not None:
        row = find(like)
        _readable(row)
        return _published(row, path)
    if path.is_dir():
        return describe(path, name=path.resolve().name)
    row_of_file = by_file(path.name)
    if row_of_file is None:
        raise WeightsError(
            f"{path}: no published file that hark knows is called so; say which checkpoint it is, with --like NAME "
            "(`hark models list`)"
        )
    _readable(row_of_file)
    return _published(row_of_file, path)


def architecture(row: Row) -> Recipe:
    """The recipe of a row's architecture, under the row's name.

    Raises SettingError, WeightsError where the row has none.
    """
    if row.captioner is not None:
        raise WeightsError(CAPTIONER.format(row.name))
    if row.config is not None and row.family is not None:
        return described(row.family, row.config, name=row.name)
    if row.recipe is None:
        raise WeightsError(f"{row.name}: {row.unread or 'its folder says itself what it is; it must be fetched first'}")
    return recipes.parse(recipes.load(row.recipe).source, name=row.name)


def _published(row: Row, path: Path) -> Published:
    if row.recipe is None:
        return describe(path, name=row.name)
    assert row.family is not None, row
    return Published(path, row.family, architecture(row), row.beside or {}, find=lambda name: obtain(find(name)))


def _readable(row: Row) -> None:
    if row.unread is not None:
        raise WeightsError(f"{row.name}: hark cannot load it: {row.unread}")
    if row.captioner is not None:
        raise WeightsError(CAPTIONER.format(row.name))


def _source(row: Row) -> str:
    return recipes.load(row.recipe).source if row.recipe else ""


@contextlib.contextmanager
def usable(row: Row, progress: Progress | None = None) -> Iterator[Path]:
    """What `fetched` gives, for reading it: a download that turns out to be something else is not kept.

    Raises WeightsError.
    """
    path = fetched(row, progress)
    try:
        yield path
    except WeightsError as error:
        if path.parent != _downloads():
            raise  # the hub's own cache, which knows what belongs into it
        path.unlink(missing_ok=True)
        raise WeightsError(f"{error}; the download is not kept, the next call fetches it again") from None


def _downloads() -> Path:
    return cache_folder() / "downloads"


def fetched(row: Row, progress: Progress | None = None) -> Path:
    """The published file or folder of a row as it is: from the cache, or fetched and kept there.

    Raises WeightsError where it has no address or cannot be fetched; the line says what to do.
    """
    by_hand = f"get the file and run: hark models convert FILE --like {row.name} --to DIR"
    if row.address is None:
        wanted = f" ('{row.file}')" if row.file else ""
        raise WeightsError(f"{row.name}: nowhere to fetch it from{wanted}; {by_hand}")
    try:
        if row.address.startswith("hf:"):
            return from_hub(row.address)
        path = _downloads() / f"{hashlib.sha256(row.address.encode()).hexdigest()[:12]}-{row.file_name}"
        if not path.is_file():
            fetch(row.address, path, sha256=row.sha256, md5=row.md5, progress=progress)
        return path
    except FetchError as error:
        raise WeightsError(f"{row.name}: {error}; {by_hand}") from None


def from_hub(address: str) -> Path:
    """The local file ("hf:OWNER/NAME/FILE") or folder ("hf:OWNER/NAME") of an address on the Hugging Face hub.

    Raises FetchError.
    """
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError

    owner, name, *file = address[3:].split("/", 2)
    repository = f"{owner}/{name}"

    def get(wanted: str) -> Path:
        return Path(hf_hub_download(repository, wanted, local_files_only=offline()))

    try:
        if file:
            return get(file[0])
        config = get("config.json")
        for wanted in FOLDER_WEIGHTS:
            try:
                get(wanted)
                break
            except EntryNotFoundError:
                continue
        for extra in ("preprocessor_config.json", "tokenizer.json"):  # there are defaults for what is not there
            with contextlib.suppress(EntryNotFoundError):
                get(extra)
        return config.parent
    except Exception as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise FetchError(f"{address}: not here, and the hub does not give it ({reason})") from None
