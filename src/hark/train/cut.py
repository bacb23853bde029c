"""Tensors that are cut into parts, on disk: every process writes and reads its own (torch's distributed checkpoints).

How many wrote does not matter to those who read. The table that comes with such a checkpoint is a pickle; it is read
without running what it may ask for.
"""

from __future__ import annotations

import contextlib
import pickle
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.distributed.checkpoint import state_dict_loader, state_dict_saver
from torch.distributed.checkpoint.api import CheckpointException
from torch.distributed.checkpoint.filesystem import FileSystemReader, FileSystemWriter
from torch.distributed.checkpoint.metadata import Metadata, StorageMeta, TensorStorageMetadata

TABLE = ".metadata"
_FORMS = "torch.distributed.checkpoint.metadata"
_KNOWN = {
    *((_FORMS, name) for name in ("ChunkStorageMetadata", "Metadata", "MetadataIndex", "StorageMeta")),
    *((_FORMS, name) for name in ("TensorProperties", "TensorStorageMetadata", "_MEM_FORMAT_ENCODING")),
    ("torch.distributed.checkpoint.filesystem", "_StorageInfo"),
    ("torch.serialization", "_get_layout"),
    ("torch", "Size"),
    *(("pathlib", name) for name in ("PosixPath", "PurePosixPath", "WindowsPath", "PureWindowsPath")),
    ("pathlib._local", "PosixPath"),  # its name from Python 3.13 on
}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        kind = isinstance(getattr(torch, name, None), torch.dtype) if module == "torch" else False
        if (module, name) not in _KNOWN and not kind:
            raise pickle.UnpicklingError(f"its table asks for {module}.{name}")
        return super().find_class(module, name)


class _Reader(FileSystemReader):
    def read_metadata(self, *_: Any, **__: Any) -> Metadata:
        made = _table(Path(self.path))
        if made.storage_meta is None:
            made.storage_meta = StorageMeta()
        made.storage_meta.load_id = self.load_id
        return made


def write(folder: Path, tensors: Mapping[str, Tensor]) -> None:
    """Writes the tensors into a folder that all processes see; for all processes together.

    Raises OSError where it cannot be written.
    """
    try:
        with _quiet():
            state_dict_saver.save(dict(tensors), storage_writer=FileSystemWriter(folder, overwrite=True))
    except CheckpointException as error:
        raise OSError(_why(error)) from None


def read(folder: Path, tensors: Mapping[str, Tensor]) -> None:
    """Fills tensors, cut in whatever way, with what `write` wrote under their names; for all processes together.

    Raises ValueError where it cannot be read.
    """
    try:
        with _quiet():
            state_dict_loader.load(dict(tensors), storage_reader=_Reader(folder))
    except CheckpointException as error:
        raise ValueError(_why(error)) from None


def sizes(folder: Path) -> dict[str, tuple[torch.Size, torch.dtype]]:
    """What is in the folder: every tensor's size as a whole, and its kind.

    Raises OSError, ValueError where its table cannot be read.
    """
    found = {}
    for name, about in _table(folder).state_dict_metadata.items():
        if isinstance(about, TensorStorageMetadata):
            found[name] = (about.size, about.properties.dtype)
    return found


def _table(folder: Path) -> Metadata:
    with (folder / TABLE).open("rb") as file:
        try:
            made = _Unpickler(file).load()
        except (pickle.UnpicklingError, EOFError, AttributeError, TypeError, IndexError) as error:
            raise ValueError(str(error) or type(error).__name__) from None
    if not isinstance(made, Metadata):
        raise ValueError("its table is none")
    return made


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="torch.distributed is disabled, unavailable or uninitialized")
        yield


def _why(error: CheckpointException) -> str:
    """The first process's reason, in one line."""
    failures = error.failures
    cause = failures[min(failures)][0] if failures else error
    return getattr(cause, "strerror", None) or (str(cause).strip().splitlines() or [type(cause).__name__])[0]
