"""What a stage of a recipe learns from: its corpora opened, decoded and put into batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, Protocol

from hark.core import component
from hark.core.errors import DataError, SettingError
from hark.core.settings import suggest
from hark.data import exclude
from hark.data.also import Also, matched
from hark.data.batches import Batch, Batches
from hark.data.loader import load
from hark.data.mixture import Mixture
from hark.data.pcm import open_pcm
from hark.data.positives import Positives
from hark.data.records import Clip
from hark.data.sentences import pairs, sentences
from hark.data.sources import Decoded, Source
from hark.data.texts import read_texts
from hark.recipe import CorpusSpec, Recipe, Stage


def open_corpus(spec: CorpusSpec, *, data: Path, where: str) -> list[Clip]:
    """The clips of a corpus; a relative `path` among its settings is taken from the folder `data`.

    Raises SettingError, DataError.
    """
    settings: dict[str, Any] = dict(spec.corpus)
    if isinstance(settings.get("path"), str) and settings["path"]:
        settings["path"] = str(data / Path(settings["path"]).expanduser())
    clips: list[Clip] = component.config("data.corpora", settings, where=where).build()
    if not clips:
        raise DataError(f"{where}: the corpus '{settings['name']}' has no clips")
    kept = [clip for clip in clips if all(_has(clip, *one, where=where) for one in spec.where.items())]
    if not kept:
        asked = ", ".join(f"{column} = {value!r}" for column, value in spec.where.items())
        raise DataError(f"{where}: no clip of the corpus '{settings['name']}' where {asked}")
    return kept


def _has(clip: Clip, column: str, value: str, *, where: str) -> bool:
    """Whether the clip's column has the value ("4"), one of several ("4,5"), or has not ("!=4")."""
    if column not in clip.extra:
        raise SettingError(f"{where}: where: clip '{clip.id}' has no column '{column}'; {suggest(column, clip.extra)}")
    wanted = str(value)
    values = {one.strip() for one in wanted.removeprefix("!=").split(",")}
    return (clip.extra[column] in values) != wanted.startswith("!=")


def described(
    specs: Sequence[CorpusSpec], *, data: Path, where: str
) -> Iterator[tuple[CorpusSpec, Clip, tuple[str, ...]]]:
    """Every clip of the corpora with what is said of it; one of which nothing can be said is left out.

    Raises SettingError, DataError.
    """
    for n, spec in enumerate(specs):
        for clip in open_corpus(spec, data=data, where=f"{where}[{n}]"):
            spoken = sentences(clip, spec.say)
            if spoken:
                yield spec, clip, spoken


class ByStep(Protocol):
    """Batches by their step, of an endless run of epochs."""

    @property
    def steps_per_epoch(self) -> int:
        """Batches in an epoch."""

    def __getitem__(self, step: int, /) -> Batch: ...


def open_batches(
    recipe: Recipe,
    stage: Stage,
    *,
    data: Path,
    progress: Callable[[int, int], None] | None = None,
    captions: Literal["one", "all"] | None = None,
    rank: int = 0,
    ranks: int = 1,
) -> ByStep:
    """The batches of a contrastive stage; `progress` hears (clips decoded, clips in all).

    Each of `ranks` processes makes its part of every batch; all parts together are the batch of one process.
    With `captions`, which stand instead of the stage's, they are a mixture's, whose batches say what is in them.

    Clips whose recordings are held out, or that a file of `exclude` names, are left out.

    Raises SettingError, DataError.
    """
    where = f"{recipe.name}.toml: stage '{stage.name}'"
    held_out = _recordings([*stage.valid, *stage.hold_out], data=data, where=f"{where}: valid and hold_out")
    excluded = exclude.read([data / Path(name).expanduser() for name in stage.exclude])
    found: dict[int, tuple[CorpusSpec, list[Clip], list[tuple[str, ...]]]] = {}
    for n, spec in enumerate(stage.corpora):
        clips, said = [], []
        for _, clip, spoken in described((spec,), data=data, where=f"{where}: corpora"):
            if clip.path in held_out or clip.extra.get("freesound_id") in held_out:
                continue
            if excluded.excludes(clip, corpus=exclude.names_of(spec.corpus)) is None:
                clips.append(clip)
                said.append(spoken)
        if clips:
            found[n] = (spec, clips, said)
    total = sum(len(clips) for _, clips, _ in found.values())
    if not total:
        raise DataError(f"{where}: no clip has anything said of it")
    done = 0

    def count(n: int) -> None:
        nonlocal done
        done += n
        if progress is not None:
            progress(done, total)

    rate_hz, samples = recipe.audio.rate_hz, recipe.audio.samples
    if captions is None and stage.captions == "one" and _plain(stage):
        every = [clip for _, clips, _ in found.values() for clip in clips]
        order: list[int] = []
        first = 0
        for spec, clips, _ in found.values():
            order += [first + i for i in range(len(clips)) for _ in range(spec.repeat)]
            first += len(clips)
        return Batches(
            pcm=open_pcm(every, rate_hz, progress=count),
            said=[spoken for _, _, said in found.values() for spoken in said],
            groups=groups(every, stage.positives),
            positives=stage.positives,
            order=order,
            samples=samples,
            size=stage.batch,
            seed=stage.seed,
            rank=rank,
            ranks=ranks,
        )
    sources: list[Source] = []
    for n, (spec, clips, _) in found.items():
        if spec.repeat != 1:
            raise SettingError(f"{where}: corpora[{n}]: repeat: this stage mixes its corpora; give each a weight")
        source: Source = Decoded(
            name=f"{n}:{spec.corpus['name']}",
            pcm=open_pcm(clips, rate_hz, progress=count),
            clips=clips,
            rate_hz=rate_hz,
            say=spec.say,
        )
        if spec.also is not None:
            there = f"{where}: corpora[{n}]: also"
            others = open_corpus(CorpusSpec(spec.also), data=data, where=there)
            source = Also(source, matched(clips, others, spec.say, where=there), spec.also_chance)
        sources.append(source)
    weights = [spec.weight for spec, _, _ in found.values()]
    return Mixture(
        sources,
        rate_hz=rate_hz,
        samples=samples,
        size=stage.batch,
        seed=stage.seed,
        weights=[float(w) for w in weights if w is not None] or None,
        one_corpus=stage.one_corpus,
        short=stage.short,
        gain_db=stage.gain_db,
        captions=captions or stage.captions,
        positives=stage.positives,
        bucket=stage.bucket,
        rank=rank,
        ranks=ranks,
    )


def in_order(batches: ByStep, *, start: int, stop: int, workers: int) -> Callable[[int], Batch]:
    """What gives the batches of steps `start` to `stop`, to be asked in order; other processes make them ahead."""
    if workers == 0:
        return batches.__getitem__
    made = load(batches, start=start, stop=stop, workers=workers)
    return lambda _: next(made)


def _plain(stage: Stage) -> bool:
    """Whether the stage asks for nothing that only a mixture can do."""
    weighted = any(spec.weight is not None or spec.also is not None for spec in stage.corpora)
    return not weighted and not stage.one_corpus and stage.short == "repeat" and stage.gain_db == 6.0


def open_sentences(recipe: Recipe, stage: Stage, *, data: Path) -> list[str]:
    """Every sentence that a stage brings, in order: from its files of texts and from its corpora.

    Raises SettingError, DataError.
    """
    found: list[str] = []
    for name in stage.texts:
        found += read_texts(data / name)
    for n, spec in enumerate(stage.corpora):
        clips = open_corpus(spec, data=data, where=f"{recipe.name}.toml: stage '{stage.name}': corpora[{n}]")
        found += [pair.text for pair in pairs(clips, spec.say)]
    return list(dict.fromkeys(found))


def _recordings(specs: Sequence[CorpusSpec], *, data: Path, where: str) -> set[Path | str]:
    """The files of the corpora and the Freesound ids of what is in them."""
    held: set[Path | str] = set()
    for n, spec in enumerate(specs):
        for clip in open_corpus(spec, data=data, where=f"{where}[{n}]"):
            held.add(clip.path)
            if clip.extra.get("freesound_id"):
                held.add(clip.extra["freesound_id"])
    return held


def groups(clips: Sequence[Clip], positives: Positives) -> list[str]:
    """Clips with the same labels say the same where those count; else a clip is a group of its own."""
    return [
        "|".join(sorted(clip.labels)).casefold() if clip.labels and positives == "labels" else f"{i}:{clip.id}"
        for i, clip in enumerate(clips)
    ]
