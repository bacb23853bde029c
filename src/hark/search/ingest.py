"""Brings a library up to date with a folder: sounds are found, cut into windows, embedded and stored.

Only new, changed and removed files are worked. Workers are threads (decoding, resampling and the model's arithmetic run
without the interpreter's lock), one writer commits a file at a time in the order of the paths. So the library's rows
depend only on the files and the model, not on the number of workers nor on when the work was cut short and continued.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hark.audio import decode
from hark.core.errors import SoundError
from hark.core.types import Vectors
from hark.index.rows import FileRow, UnreadableRow
from hark.index.sqlite import Database
from hark.search.walk import Fault, Found, Walk, printable

if TYPE_CHECKING:
    from hark.runtime.ensemble import AnyModel


@dataclass(frozen=True)
class Progress:
    """How far an ingest has come."""

    done: int  # files
    total: int  # files to work, not counting those that are up to date
    audio_s: float  # seconds of sound embedded so far


@dataclass(frozen=True)
class IngestReport:
    """What an ingest did to a library; `unreadable` tells every file that is passed over, not only the new ones."""

    added: int  # files
    changed: int
    removed: int
    kept: int  # readable files that were up to date
    audio_s: float  # seconds of sound embedded
    unreadable: tuple[Fault, ...]


@dataclass(frozen=True)
class _Embedded:
    row: FileRow
    spans: NDArray[np.float64]  # (n, 2) start and end in seconds
    vectors: Vectors


def ingest(
    database: Database,
    model: AnyModel,
    *,
    root: str,
    found: Walk,
    jobs: int | None = None,
    retry: bool = False,
    progress: Callable[[Progress], None] | None = None,
) -> IngestReport:
    """Makes the library hold what a walk found beneath `root`, and nothing else from there.

    `jobs` threads work (None: one for each processor). `retry` tries files again that could not be read before.
    """
    known = database.files(root)
    noted = database.unreadable(root)
    refused = {} if retry else noted
    work, kept = [], 0
    faults = list(found.faults)
    for file in found.files:
        if known.get(file.path) == (file.size, file.mtime_ns):
            kept += 1
        elif (row := refused.get(file.path)) and (row.size, row.mtime_ns) == (file.size, file.mtime_ns):
            faults.append(Fault(printable(row.path), row.reason))
        else:
            work.append(file)
    gone = _gone(found, [*known, *noted])
    database.remove(gone)

    added = changed = 0
    audio_s = 0.0
    with contextlib.closing(_embedded(model, work, jobs=jobs or _processors())) as results:
        for done, result in enumerate(results, 1):
            if isinstance(result, UnreadableRow):
                database.put_unreadable(result)
                faults.append(Fault(printable(result.path), result.reason))
            else:
                database.put(result.row, result.spans, vectors=result.vectors)
                audio_s += result.row.duration_s
                if result.row.path in known:
                    changed += 1
                else:
                    added += 1
            if progress is not None:
                progress(Progress(done, len(work), audio_s))
    return IngestReport(
        added=added,
        changed=changed,
        removed=len(known.keys() & set(gone)),
        kept=kept,
        audio_s=audio_s,
        unreadable=tuple(sorted(faults, key=lambda fault: fault.path)),
    )


def _gone(found: Walk, known: list[str]) -> list[str]:
    """What is known but no longer there; what lies where the walk could not look is taken to be there."""
    there = {file.path for file in found.files}
    return sorted(
        path
        for path in known
        if path not in there and not any(path == h or path.startswith(h + os.sep) for h in found.hidden)
    )


def _embedded(model: AnyModel, work: list[Found], *, jobs: int) -> Generator[_Embedded | UnreadableRow, None, None]:
    """The files' windows and vectors in the order of `work`, a few files ahead of whoever asks."""
    assert jobs > 0, jobs
    pending: deque[Future[_Embedded | UnreadableRow]] = deque()
    ahead = 2 * jobs  # while the writer waits for a long file, the others go on with short ones
    with _one_thread_each():
        pool = ThreadPoolExecutor(jobs, thread_name_prefix="hark-index")
        try:
            for file in work:
                pending.append(pool.submit(_embed, model, file))
                if len(pending) > ahead:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            # when interrupted, nobody waits for threads that may be minutes deep in a long recording
            pool.shutdown(wait=False, cancel_futures=True)


def _embed(model: AnyModel, file: Found) -> _Embedded | UnreadableRow:
    path = Path(file.path)

    def unreadable(reason: str) -> UnreadableRow:
        return UnreadableRow(file.path, file.size, file.mtime_ns, reason)

    try:
        said = decode.info(path)
        if said.frames == 0:
            return unreadable("there is no sound in it")
        spans, vectors = model.embed_windows(path)
    except (SoundError, OSError) as error:
        return unreadable(_reason(error, path))
    if not np.isfinite(vectors).all():  # a float WAV can hold NaN
        return unreadable("it holds samples that are no numbers")
    assert spans.shape == (len(vectors), 2), (file.path, spans.shape, vectors.shape)
    assert vectors.shape[1] == model.dim, (file.path, vectors.shape)
    row = FileRow(
        path=file.path,
        size=file.size,
        mtime_ns=file.mtime_ns,
        duration_s=said.duration_s,
        rate_hz=said.rate_hz,
        channels=said.channels,
        format=said.format,
    )
    return _Embedded(row, spans, vectors)


def _reason(error: Exception, path: Path) -> str:
    """What is wrong, on one line, without the name of the file, which the report says anyway."""
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    text = " ".join(str(error).split())
    for name in (str(path), path.name):
        text = text.removeprefix(f"{name}: ")
    return printable(text)


@contextlib.contextmanager
def _one_thread_each() -> Iterator[None]:
    """Keeps torch from starting threads of its own in every worker, and the vectors from depending on their number."""
    torch = sys.modules.get("torch")  # a model that does without it need not wait for its import
    if torch is None:
        yield
        return
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


MOST_JOBS = 8  # unless more are asked for: each takes some 80 MB, and one writer cannot feed many more


def _processors() -> int:
    """How many processors this process may use, which in a container is not how many there are; MOST_JOBS at most."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(MOST_JOBS, usable)
