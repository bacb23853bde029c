"""A corpus decoded once: all clips at one rate in one memory-mapped 16-bit file, so that training never decodes."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import uuid
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hark.audio.decode import decode, info
from hark.core.errors import DataError, HarkError, SilentSound, SoundError
from hark.core.files import cache_folder, write_text
from hark.core.types import Wave
from hark.data.records import Clip

PART = 256  # clips that are decoded before they are safe from a kill
SAMPLES, STARTS = "samples.i16", "starts.json"
_THREADS = max(2, min(16, os.cpu_count() or 2))


@dataclass(frozen=True)
class Pcm:
    """Decoded clips: `samples` holds them one after the other; clip i is samples[starts[i]:starts[i + 1]]."""

    samples: NDArray[np.int16]
    starts: NDArray[np.int64]

    def length(self, i: int) -> int:
        """How many samples clip i has."""
        return int(self.starts[i + 1] - self.starts[i])

    def stretch(self, i: int, start: int, samples: int) -> Wave:
        """Clip i from sample `start` on, with full scale 1.0: `samples` of them, or as many as are left."""
        first = self.starts[i] + start
        return self.samples[first : min(first + samples, self.starts[i + 1])].astype(np.float32) / 32768.0

    def wave(self, i: int) -> Wave:
        """Clip i, (samples,) with full scale 1.0."""
        return self.stretch(i, 0, self.length(i))

    def __reduce__(self) -> tuple[Any, ...]:
        """To another process goes the file's place, not what is in it."""
        if isinstance(self.samples, np.memmap) and self.samples.filename is not None:
            return _mapped, (Path(self.samples.filename).parent,)
        return Pcm, (self.samples, self.starts)


def open_pcm(clips: Sequence[Clip], rate_hz: int, *, progress: Callable[[int], None] | None = None) -> Pcm:
    """The clips decoded at `rate_hz`, mono, from the cache or made now; `progress` hears how many clips were done.

    A process that is killed loses at most the last `PART` clips of its work; another one that wants the same waits.

    Raises DataError, naming the clip, for a sound that cannot be read, and HarkError where the cache cannot be written.
    """
    folder = _folder(clips, rate_hz)
    if not (folder / STARTS).is_file():  # written last, so it vouches for the samples
        with _writing(folder), _alone(folder) as begun:
            if not (folder / STARTS).is_file():
                _make(begun, clips, rate_hz, progress or (lambda _: None))
                begun.samples.replace(folder / SAMPLES)
                begun.starts.replace(folder / STARTS)
    return _mapped(folder)


def seconds_told(clip: Clip) -> float:
    """How long a clip is, as it says itself, its column `duration_s` or its file's header; 0 where none can be read."""
    if clip.duration_s is not None:
        return clip.duration_s
    with contextlib.suppress(ValueError):
        return max(0.0, float(clip.extra.get("duration_s", "")))
    try:
        return max(0.0, info(clip.path).duration_s - clip.start_s)
    except SoundError:  # whoever decodes it will say so
        return 0.0


def require_room(corpora: Sequence[Sequence[Clip]], rate_hz: int, *, where: str) -> None:
    """Sees that there is room in the cache for what of the corpora is not decoded yet, before that is begun.

    Raises HarkError where there is not, DataError for a file that is not there.
    """
    todo: list[Clip] = []
    for clips in corpora:
        folder = _folder(clips, rate_hz)
        if not (folder / STARTS).is_file():
            todo += clips[len(_Begun.of(folder).read()) - 1 :]
    needed = size(sum(map(seconds_told, todo)), rate_hz)
    if needed > room():
        raise HarkError(
            f"{where}: {len(todo)} clips, decoded at {rate_hz} Hz, need {needed / 2**30:.2f} GiB in {cache_folder()}, "
            f"where {room() / 2**30:.2f} GiB are free; make room, set HARK_CACHE to another place, or decode while "
            "training, with --live"
        )


def size(seconds: float, rate_hz: int) -> int:
    """The bytes that so much sound has when it is decoded."""
    return 2 * round(seconds * rate_hz)


def room() -> int:
    """The bytes that are free where the cache is, or will be."""
    there = cache_folder().absolute()
    while not there.exists():
        there = there.parent
    return shutil.disk_usage(there).free


def _folder(clips: Sequence[Clip], rate_hz: int) -> Path:
    return cache_folder() / "pcm" / _key(clips, rate_hz)


@dataclass(frozen=True)
class _Begun:
    """The files of a corpus whose first clips are decoded; what `starts` does not tell of is not safe yet."""

    samples: Path
    starts: Path

    @classmethod
    def of(cls, folder: Path, mark: str = "") -> _Begun:
        return cls(folder / f"samples{mark}.part", folder / f"starts{mark}.part")

    def read(self) -> list[int]:
        """The starts of the clips that are decoded, and the end of the last of them."""
        try:
            starts: list[int] = json.loads(self.starts.read_text(encoding="utf-8"))
            return starts if self.samples.stat().st_size >= 2 * starts[-1] else [0]
        except OSError:
            return [0]

    def forget(self) -> None:
        self.starts.unlink(missing_ok=True)
        self.samples.unlink(missing_ok=True)


def _make(begun: _Begun, clips: Sequence[Clip], rate_hz: int, progress: Callable[[int], None]) -> None:
    """Decodes all clips, from where an earlier process was."""
    starts = begun.read()
    safe = starts[-1]  # samples
    progress(len(starts) - 1)
    try:
        with begun.samples.open("ab") as file:
            file.truncate(2 * safe)
            for pcm in _decoded(clips[len(starts) - 1 :], rate_hz):
                file.write(pcm.tobytes())
                starts.append(starts[-1] + len(pcm))
                if len(starts) % PART == 1 or len(starts) == len(clips) + 1:
                    file.flush()
                    os.fsync(file.fileno())
                    write_text(begun.starts, json.dumps(starts))
                    safe = starts[-1]
                progress(1)
    except OSError:  # a full disk; nothing half written stays on it
        with contextlib.suppress(OSError):
            os.truncate(begun.samples, 2 * safe)
        raise
    except DataError:  # without that clip, or with another file, it is another corpus
        begun.forget()
        raise


def _decoded(clips: Sequence[Clip], rate_hz: int) -> Iterator[NDArray[np.int16]]:
    """The clips' samples in order; a few are decoded ahead."""
    todo = iter(clips)
    with ThreadPoolExecutor(_THREADS) as pool:
        waiting = deque(pool.submit(_decode, clip, rate_hz) for clip in islice(todo, 16))
        try:
            while waiting:
                pcm = waiting.popleft().result()
                waiting.extend(pool.submit(_decode, clip, rate_hz) for clip in islice(todo, 1))
                yield pcm
        finally:
            for one in waiting:
                one.cancel()


@contextlib.contextmanager
def _writing(folder: Path) -> Iterator[None]:
    """Makes one line of a full disk. Raises HarkError."""
    try:
        yield
    except OSError as error:
        raise HarkError(
            f"{folder}: decoded sounds cannot be written there ({error.strerror or error}); make room and run it "
            "again, it goes on from there; or set HARK_CACHE to another place, or decode while training, with --live"
        ) from None


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[_Begun]:
    """Makes the folder, and lets others wait until the block ends, or the process does.

    Where nothing can be locked, several that do the same work have each their own files, and nobody goes on with them.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("wb") as lock:
        if _locked(lock.fileno()):
            yield _Begun.of(folder)
            return
        own = _Begun.of(folder, f".{uuid.uuid4().hex}")
        try:
            yield own
        finally:
            own.forget()


def _locked(file: int) -> bool:
    try:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX)
    except (ImportError, OSError):  # Windows, or a network disk without locks
        return False
    return True


def _mapped(folder: Path) -> Pcm:
    starts = np.array(json.loads((folder / STARTS).read_text(encoding="utf-8")), dtype=np.int64)
    return Pcm(samples=np.memmap(folder / SAMPLES, dtype=np.int16, mode="r"), starts=starts)


def _decode(clip: Clip, rate_hz: int) -> NDArray[np.int16]:
    try:
        wave = decode(clip.path, rate_hz, start_s=clip.start_s, duration_s=clip.duration_s)
    except SilentSound as error:
        raise DataError(f"clip '{clip.id}': {error}; take it out of the corpus") from None
    except SoundError as error:
        raise DataError(f"clip '{clip.id}': {error}") from None
    return np.asarray(np.clip(np.rint(wave * 32768.0), -32768, 32767), dtype=np.int16)


def _key(clips: Sequence[Clip], rate_hz: int) -> str:
    """Changes when any file, stretch or rate does."""
    seen: dict[Path, tuple[int, int]] = {}
    digest = hashlib.sha256(str(rate_hz).encode())
    for clip in clips:
        if clip.path not in seen:
            try:
                status = clip.path.stat()
            except OSError as error:
                raise DataError(f"clip '{clip.id}': {clip.path} cannot be read ({error.strerror})") from None
            seen[clip.path] = (status.st_size, status.st_mtime_ns)
        digest.update(repr((str(clip.path), seen[clip.path], clip.start_s, clip.duration_s)).encode())
    return digest.hexdigest()[:24]
