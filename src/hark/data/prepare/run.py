"""Prepares a corpus: its clips are read, written in one format beside what is said of them, counted, and reported."""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol, get_args

from hark.core import component
from hark.core.errors import DataError, SettingError
from hark.core.files import write_text
from hark.data import manifest
from hark.data.card import Card
from hark.data.corpora import _tables
from hark.data.prepare.names import safe_names
from hark.data.prepare.place import MANIFEST, REPORT, opened
from hark.data.prepare.report import Report, describe, duplicates
from hark.data.prepare.shard import AUDIO, Job, Outcome, Result, as_json
from hark.data.prepare.sound import Facts
from hark.data.records import Clip

SHARD = 16  # clips in a job
LOWEST_HZ, HIGHEST_HZ = 1000, 192_000

Engine = Literal["local", "ray"]
ENGINES: dict[str, str] = {"local": "hark.data.prepare.local", "ray": "hark.data.prepare.cluster"}


@dataclass(frozen=True)
class Settings:
    """What to prepare, from where, to where, and how; `options` are the corpus's own settings.

    `in_place` writes no sound: the manifest names the files where they are. Clips under `least_s` seconds are left out.
    `drop_duplicates` leaves out all but the first of clips whose samples are the same.
    """

    corpus: str
    source: str
    out: str
    rate_hz: int = 48000
    in_place: bool = False
    splits: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    least_s: float = 0.0
    drop_duplicates: bool = False

    def __post_init__(self) -> None:
        if not LOWEST_HZ <= self.rate_hz <= HIGHEST_HZ:
            raise SettingError(f"rate {self.rate_hz}: give {LOWEST_HZ} to {HIGHEST_HZ} Hz")
        if not self.least_s >= 0:
            raise SettingError(f"least {self.least_s}: give seconds, 0 or more")


class _Run(Protocol):
    def __call__(self, jobs: Iterable[Job], *, workers: int | None = None) -> Generator[Result, None, None]: ...


def prepare(
    settings: Settings,
    *,
    jobs: int | None = None,
    engine: Engine = "local",
    progress: Callable[[int, int], None] | None = None,
) -> Report:
    """Prepares a corpus and writes `manifest.jsonl` and `report.json`; may be stopped at any time and run again.

    `jobs` processes work (None: one a processor; 0: this one, without others). A program that calls this with others
    must start under `if __name__ == "__main__":`. `progress` hears of the clips that are done, and of all.

    The manifest and the report depend on the source and the settings alone, not on the engine, the number of processes
    or how often the run was cut short.

    Raises DataError: the corpus's tables cannot be read, `out` cannot be written or is being written by another run;
    SettingError.
    """
    if engine not in get_args(Engine):
        raise SettingError(f"engine '{engine}': {' or '.join(get_args(Engine))}")
    asked = listed(settings)
    clips = asked.clips
    source, out = Path(settings.source).expanduser(), Path(settings.out).expanduser()
    if not settings.in_place and out.resolve().is_relative_to(source.resolve()):
        raise DataError(f"{out}: lies in the source, where it would be taken for a part of it; give a folder elsewhere")
    run: _Run = importlib.import_module(ENGINES[engine]).run
    names = safe_names([clip.id for clip in clips])
    with opened(out):
        outcomes = _outcomes(run(list(_jobs(clips, names, settings)), workers=jobs), clips, progress)
        same = duplicates(clips, outcomes)
        dropped = {name for group in same for name in group[1:]} if settings.drop_duplicates else set()
        kept = [
            _prepared(clip, name, outcome.facts, None if settings.in_place else out)
            for clip, name, outcome in zip(clips, names, outcomes, strict=True)
            if outcome.facts is not None and clip.id not in dropped
        ]
        report = describe(
            settings.corpus,
            clips,
            outcomes,
            omitted=asked.omitted,
            card=asked.card,
            splits=settings.splits,
            same=same,
            dropped=len(dropped),
        )
        try:
            manifest.write(out / MANIFEST, kept)
            write_text(out / REPORT, as_json(report.as_json(), indent=2))
        except OSError as error:
            raise DataError(f"{out}: cannot be written ({error.strerror})") from None
    return report


@dataclass(frozen=True)
class Asked:
    """The clips that are asked for, and those that the settings leave out, each with why.

    `card` has the published counts of both together; it is None where they are not to be compared.
    """

    clips: list[Clip]
    omitted: list[tuple[Clip, str]]
    card: Card | None


def listed(settings: Settings) -> Asked:
    """The clips that a corpus's tables list, whether their sounds are there or not.

    A corpus may have `omitted()`, the clips that its settings leave out of `listed()`, each with why; and a setting
    `present`, which leaves out clips whose sounds are not there, and with them the counts.

    Raises DataError, SettingError.
    """
    table = {"name": settings.corpus, "path": settings.source, **settings.options}
    if settings.splits:
        table["splits"] = list(settings.splits)
    config = component.config("data.corpora", table, where=settings.corpus)
    # where sounds lie in other files (Parquet, tars), `build` writes them to the corpus's cache
    ready = hasattr(config, "listed") and not hasattr(config, "cache")
    clips: list[Clip] = config.listed() if ready else config.build()
    omitted: list[tuple[Clip, str]] = config.omitted() if hasattr(config, "omitted") else []
    present = getattr(config, "present", False)
    if present:
        clips, gone = _tables.present_of(clips, Path(settings.source).expanduser())
        omitted += [(clip, "no such file, and present = true") for clip in gone]
    seen: set[str] = set()
    for clip in clips:
        if clip.id in seen:
            raise DataError(f"{settings.corpus}: two clips have the id '{clip.id}'; give each its own")
        seen.add(clip.id)
    known = getattr(component.module("data.corpora", settings.corpus), "CARD", None)
    card: Card | None = getattr(config, "card", known)  # that of the version or subset that is asked for
    return Asked(clips, omitted, card if getattr(config, "complete", True) and not present else None)


def _jobs(clips: Sequence[Clip], names: Sequence[str], settings: Settings) -> Iterator[Job]:
    for number, at in enumerate(range(0, len(clips), SHARD)):
        yield Job(
            number=number,
            clips=tuple(dataclasses.replace(clip, extra=dict(clip.extra)) for clip in clips[at : at + SHARD]),
            names=tuple(names[at : at + SHARD]),
            source=Path(settings.source).expanduser(),
            out=Path(settings.out).expanduser(),
            rate_hz=None if settings.in_place else settings.rate_hz,
            least_s=settings.least_s,
        )


def _outcomes(
    results: Generator[Result, None, None], clips: Sequence[Clip], progress: Callable[[int, int], None] | None
) -> list[Outcome]:
    """What became of each clip, in their order.

    Raises DataError where a job had to stop.
    """
    made: dict[int, tuple[Outcome, ...]] = {}
    done = 0
    with contextlib.closing(results):  # so that no process writes any more when this is over
        for result in results:
            if result.fault:
                raise DataError(result.fault)
            made[result.number] = result.outcomes
            done += len(result.outcomes)
            if progress is not None:
                progress(done, len(clips))
    assert done == len(clips), (done, len(clips))
    return [outcome for number in sorted(made) for outcome in made[number]]


def _prepared(clip: Clip, name: str, facts: Facts, out: Path | None) -> Clip:
    """The clip as it goes into the manifest: its new file (`out` None: its own), and how long it is."""
    extra = {key: value for key, value in clip.extra.items() if key != "duration_s"}
    if out is not None:
        path = out / AUDIO / f"{name}.flac"
    elif clip.start_s or clip.duration_s is not None:
        return dataclasses.replace(clip, duration_s=facts.duration_s, extra=extra)
    else:
        path = clip.path
    return dataclasses.replace(
        clip, path=path, start_s=0.0, duration_s=None, extra=extra | {"duration_s": str(round(facts.duration_s, 6))}
    )
