"""What a stage of a recipe learns from: its corpora opened, decoded and put into batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from hark.core import component
from hark.core.errors import DataError
from hark.data.batches import Batches
from hark.data.pcm import open_pcm
from hark.data.records import Clip
from hark.data.sentences import pairs, sentences
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
    return clips


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


def open_batches(
    recipe: Recipe, stage: Stage, *, data: Path, progress: Callable[[int, int], None] | None = None
) -> Batches:
    """The batches of a contrastive stage; `progress` hears (clips decoded, clips in all).

    Raises SettingError, DataError.
    """
    clips: list[Clip] = []
    said: list[tuple[str, ...]] = []
    order: list[int] = []
    where = f"{recipe.name}.toml: stage '{stage.name}'"
    held_out = _recordings([*stage.valid, *stage.hold_out], data=data, where=f"{where}: valid and hold_out")
    for spec, clip, spoken in described(stage.corpora, data=data, where=f"{where}: corpora"):
        if clip.path not in held_out and clip.extra.get("freesound_id") not in held_out:
            order += [len(clips)] * spec.repeat
            clips.append(clip)
            said.append(spoken)
    if not clips:
        raise DataError(f"{where}: no clip has anything said of it")
    done = 0

    def count(n: int) -> None:
        nonlocal done
        done += n
        if progress is not None:
            progress(done, len(clips))

    return Batches(
        pcm=open_pcm(clips, recipe.audio.rate_hz, progress=count),
        said=said,
        groups=_groups(clips),
        order=order,
        samples=recipe.audio.samples,
        size=stage.batch,
        seed=stage.seed,
    )


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


def _groups(clips: Sequence[Clip]) -> list[str]:
    """Clips with the same labels say the same; a clip without labels is a group of its own."""
    return [
        "|".join(sorted(clip.labels)).casefold() if clip.labels else f"{i}:{clip.id}" for i, clip in enumerate(clips)
    ]
