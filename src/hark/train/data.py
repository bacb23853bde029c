"""What a stage of a recipe learns from: its corpora opened, decoded and put into batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from hark.core import component
from hark.core.errors import DataError, SettingError
from hark.core.files import cache_folder
from hark.core.settings import suggest
from hark.data import exclude
from hark.data.also import Also, matched
from hark.data.batches import Batch, Batches, Sounds
from hark.data.live import Live, excluded_bytes, parts
from hark.data.loader import load
from hark.data.mixture import Mixture
from hark.data.pcm import open_pcm, require_room
from hark.data.positives import Positives
from hark.data.records import Clip
from hark.data.sentences import sentences
from hark.data.shards.listed import Listed
from hark.data.sources import Decoded, InFiles, InShards, Source
from hark.data.texts import read_texts
from hark.recipe import CorpusSpec, Recipe, Stage
from hark.train.left_out import LeftOut, Recording, recordings


def open_corpus(spec: CorpusSpec, *, data: Path, where: str, unpacked: bool = True) -> list[Clip]:
    """The clips of a corpus; a relative `path` among its settings is taken from the folder `data`.

    Without `unpacked` the sounds of shards stay in these: then there are no files at the clips' paths.

    Raises SettingError, DataError.
    """
    config = _config(spec, data=data, where=where)
    name = spec.corpus["name"]
    try:
        if not unpacked and hasattr(config, "packed"):
            clips = [clip for one in config.packed() for clip in one.clips]
        else:
            clips = config.build()
    except OSError as error:
        place, why = error.filename or cache_folder(), error.strerror or error
        raise DataError(
            f"{where}: the corpus '{name}': {place}: {why}; make room there, or see that it can be used"
        ) from None
    if not clips:
        raise DataError(f"{where}: the corpus '{name}' has no clips")
    kept = [clip for clip in clips if all(_has(clip, *one, where=where) for one in spec.where.items())]
    if not kept:
        asked = ", ".join(f"{column} = {value!r}" for column, value in spec.where.items())
        raise DataError(f"{where}: no clip of the corpus '{name}' where {asked}")
    return kept


def open_packed(spec: CorpusSpec, *, data: Path, where: str) -> Sequence[Listed]:
    """The folders of shards that a corpus lies in, as it names their samples; none where it is one of files.

    Raises SettingError, DataError.
    """
    config = _config(spec, data=data, where=where)
    packed: Sequence[Listed] = config.packed() if hasattr(config, "packed") else ()
    return packed


def _config(spec: CorpusSpec, *, data: Path, where: str) -> Any:
    settings: dict[str, Any] = dict(spec.corpus)
    if isinstance(settings.get("path"), str) and settings["path"]:
        settings["path"] = str(data / Path(settings["path"]).expanduser())
    return component.config("data.corpora", settings, where=where)


def _has(clip: Clip, column: str, value: str, *, where: str) -> bool:
    """Whether the clip's column has the value ("4"), one of several ("4,5"), or has not ("!=4")."""
    if column not in clip.extra:
        raise SettingError(f"{where}: where: clip '{clip.id}' has no column '{column}'; {suggest(column, clip.extra)}")
    wanted = str(value)
    values = {one.strip() for one in wanted.removeprefix("!=").split(",")}
    return (clip.extra[column] in values) != wanted.startswith("!=")


def described(
    specs: Sequence[CorpusSpec], *, data: Path, where: str, unpacked: bool = True
) -> Iterator[tuple[CorpusSpec, Clip, tuple[str, ...]]]:
    """Every clip of the corpora (see `open_corpus`) with what is said of it; where that is nothing, it is left out.

    Raises SettingError, DataError.
    """
    for n, spec in enumerate(specs):
        for clip in open_corpus(spec, data=data, where=f"{where}[{n}]", unpacked=unpacked):
            spoken = sentences(clip, spec.say)
            if spoken:
                yield spec, clip, spoken


def left_out(apart: Sequence[CorpusSpec], files: Sequence[str], *, data: Path, where: str) -> LeftOut:
    """What must not be learnt from where the recordings of the corpora `apart` and what `files` exclude must not.

    Raises SettingError, DataError.
    """
    held: set[Recording] = set()
    for n, spec in enumerate(apart):
        for clip in open_corpus(spec, data=data, where=f"{where}[{n}]", unpacked=False):
            held |= recordings(clip)
    return LeftOut(data, held, exclude.read([data / Path(name).expanduser() for name in files]))


class ByStep(Protocol):
    """Batches by their step, of an endless run of epochs."""

    @property
    def steps_per_epoch(self) -> int:
        """Batches in an epoch."""

    def __getitem__(self, step: int, /) -> Batch: ...


@dataclass(frozen=True)
class _Corpus:
    """What a stage learns of a corpus, and the shards that it is read from, where it is."""

    name: str
    where: str
    spec: CorpusSpec
    clips: list[Clip]
    said: list[tuple[str, ...]]
    packed: Sequence[Listed]

    def live(self, rate_hz: int) -> list[InFiles | InShards]:
        """The clips as they lie there, not decoded."""
        return parts(self.name, self.clips, self.spec.say, rate_hz=rate_hz, packed=self.packed)


def _learnt(stage: Stage, *, data: Path, where: str, live: bool) -> list[_Corpus]:
    """The corpora of a stage but for what is held out or excluded, and those of which nothing is left."""
    left = left_out([*stage.valid, *stage.hold_out], stage.exclude, data=data, where=f"{where}: valid and hold_out")
    found = []
    for n, spec in enumerate(stage.corpora):
        there = f"{where}: corpora[{n}]"
        packed = open_packed(spec, data=data, where=there) if live else ()
        if packed and stage.teachers:
            raise SettingError(f"{there}: teachers hear files; train without --live, which unpacks the shards")
        out = excluded_bytes(packed, left.excluded)
        spoken = [
            (clip, said)
            for _, clip, said in described((spec,), data=data, where=f"{where}: corpora", unpacked=not live)
            if not left(clip, spec) and clip.id not in out
        ]
        if spoken:
            name = f"{n}:{spec.corpus['name']}"
            clips, said = [clip for clip, _ in spoken], [said for _, said in spoken]
            found.append(_Corpus(name, there, spec, clips, said, packed))
    return found


def open_batches(
    recipe: Recipe,
    stage: Stage,
    *,
    data: Path,
    progress: Callable[[int, int], None] | None = None,
    captions: Literal["one", "all"] | None = None,
    rank: int = 0,
    ranks: int = 1,
    live: bool = False,
) -> ByStep:
    """The batches of a contrastive stage; `progress` hears (clips decoded, clips in all).

    Each of `ranks` processes makes its part of every batch; all parts together are the batch of one process.
    With `captions`, which stand instead of the stage's, they are a mixture's, whose batches say what is in them.

    Clips whose recordings are held out, or that a file of `exclude` names, are left out. With `live` nothing is decoded
    ahead: the same clips are decoded when they are asked for, and shards are not unpacked.

    Raises SettingError, DataError, and HarkError where the cache has no room.
    """
    where = f"{recipe.name}.toml: stage '{stage.name}'"
    corpora = _learnt(stage, data=data, where=where, live=live)
    every = [clip for corpus in corpora for clip in corpus.clips]
    if not every:
        raise DataError(f"{where}: no clip has anything said of it")
    plain = captions is None and stage.captions == "one" and _plain(stage)
    rate_hz, samples = recipe.audio.rate_hz, recipe.audio.samples
    if not live:
        require_room([every] if plain else [corpus.clips for corpus in corpora], rate_hz, where=where)
    done = 0

    def count(n: int) -> None:
        nonlocal done
        done += n
        if progress is not None:
            progress(done, len(every))

    if plain:
        sounds: Sounds
        if live:
            sounds = Live("", [part for corpus in corpora for part in corpus.live(rate_hz)], rate_hz)
        else:
            sounds = open_pcm(every, rate_hz, progress=count)
        order: list[int] = []
        first = 0
        for corpus in corpora:
            order += [first + i for i in range(len(corpus.clips)) for _ in range(corpus.spec.repeat)]
            first += len(corpus.clips)
        return Batches(
            sounds=sounds,
            said=[spoken for corpus in corpora for spoken in corpus.said],
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
    for corpus in corpora:
        spec = corpus.spec
        if spec.repeat != 1:
            raise SettingError(f"{corpus.where}: repeat: this stage mixes its corpora; give each a weight")
        if live:
            each = corpus.live(rate_hz)
            source: Source = each[0] if len(each) == 1 else Live(corpus.name, each, rate_hz, spec.say)
        else:
            pcm = open_pcm(corpus.clips, rate_hz, progress=count)
            source = Decoded(corpus.name, pcm, corpus.clips, rate_hz, spec.say)
        if spec.also is not None:
            there = f"{corpus.where}: also"
            others = open_corpus(CorpusSpec(spec.also), data=data, where=there, unpacked=False)
            source = Also(source, matched(corpus.clips, others, spec.say, where=there), spec.also_chance)
        sources.append(source)
    weights = [corpus.spec.weight for corpus in corpora]
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

    What is said of clips that a file of `exclude` names is left out.

    Raises SettingError, DataError.
    """
    found: list[str] = []
    for name in stage.texts:
        found += read_texts(data / name)
    where = f"{recipe.name}.toml: stage '{stage.name}': corpora"
    left = left_out((), stage.exclude, data=data, where=where)
    for spec, clip, said in described(stage.corpora, data=data, where=where, unpacked=False):
        found += [] if left(clip, spec) else said
    return list(dict.fromkeys(found))


def groups(clips: Sequence[Clip], positives: Positives) -> list[str]:
    """Clips with the same labels say the same where those count; else a clip is a group of its own."""
    return [
        "|".join(sorted(clip.labels)).casefold() if clip.labels and positives == "labels" else f"{i}:{clip.id}"
        for i, clip in enumerate(clips)
    ]
