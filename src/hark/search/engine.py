"""A library of sounds: index folders into it, then search it by words and by example."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from hark.core.errors import LibraryError, SettingError
from hark.index import matrix, sqlite
from hark.index.matrix import Matrix
from hark.index.rows import Owner
from hark.search import query
from hark.search.ingest import IngestReport, Progress, ingest
from hark.search.walk import root_of, walk

if TYPE_CHECKING:
    from hark.runtime.ensemble import AnyModel


@dataclass(frozen=True)
class Hit:
    """A stretch of a sound that answers a question; `score` is a cosine, 1 is best."""

    path: Path
    start_s: float
    end_s: float
    score: float


class Library:
    """A library in a folder, with the model that it belongs to.

    Several threads may search one library at a time, also while one indexes; each search sees the library as it is when
    the search starts.
    """

    def __init__(self, folder: str | Path, model: AnyModel) -> None:
        """Raises LibraryError if the folder holds the library of another model, or something else.

        There need not be a library yet: `index` makes it.
        """
        self.folder = Path(folder)
        self._model = model
        self._owner = Owner(model.name, model.stamp, model.dim)
        self._matrix: Matrix | None = None
        sqlite.owner_of(self.folder, self._owner)

    def index(
        self,
        folder: str | Path,
        *,
        jobs: int | None = None,
        retry: bool = False,
        progress: Callable[[Progress], None] | None = None,
    ) -> IngestReport:
        """Brings the library up to date with the sounds in `folder`; other folders in the library stay as they are.

        `jobs` threads work (None: one for each processor). `retry` tries again what could not be read before and has
        not changed since. `progress` is called after each file. It may be stopped at any moment, by SIGKILL as well:
        the next run goes on where it stopped.

        Raises SettingError for a folder without sounds, LibraryError if the library cannot be written.
        """
        if jobs is not None and jobs < 1:
            raise SettingError(f"index: {jobs} jobs; at least 1 is needed")
        root = root_of(Path(folder))
        found = walk(root)
        if not found.files and not found.faults:  # and nothing is removed: the drive may just not be mounted
            raise SettingError(f"{folder}: no sounds in it (wav, flac, ogg, mp3, ...); the library stays as it is")
        with sqlite.writing(self.folder, self._owner) as database:
            matrix.sweep(self.folder)
            report = ingest(database, self._model, root=root, found=found, jobs=jobs, retry=retry, progress=progress)
            self._matrix = matrix.load(database, self.folder)
        return report

    def search(
        self, text: str | None, *, like: str | Path | None = None, k: int = 10, per_file: bool = True
    ) -> list[Hit]:
        """The `k` best answers to words, to an example sound, or to both together; best first.

        With `per_file` each file answers once, with its best window. Equal scores stand in the order of the paths and
        starts.

        Raises SettingError if nothing is asked, SoundError if `like` cannot be read, LibraryError if there is
        nothing to search.
        """
        if k < 1:
            raise SettingError(f"search: the {k} best; ask for at least 1")
        asked = query.vector(self._model, text, like=None if like is None else Path(like))
        with sqlite.reading(self.folder, self._owner) as database:
            held = self._matrix
            if held is None or held.tag != database.tag():
                held = self._matrix = matrix.load(database, self.folder)
            if len(held.vectors) == 0:
                raise LibraryError(f"{database.path}: no sounds in this library; add some with `hark index FOLDER`")
            rows, scores = query.best(held, asked, k=k, per_file=per_file)
            hits = []
            for row, score in zip(rows, scores, strict=True):
                span = database.span(int(held.spans[row]))
                hits.append(Hit(Path(span.path), span.start_s, span.end_s, float(score)))
        return hits

    def counts(self) -> tuple[int, int]:
        """How many files and how many windows the library holds."""
        with sqlite.reading(self.folder, self._owner) as database:
            return database.counts()

    def close(self) -> None:
        """Lets go of the memory-mapped vectors."""
        self._matrix = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
