"""The members of an ensemble in use: each is opened when its turn comes, embeds everything, and is let go."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from hark.core.errors import WeightsError
from hark.core.types import Scores, Vectors
from hark.data.records import Clip
from hark.eval.augmented import Augmented
from hark.eval.cache import cached_clips, cached_texts
from hark.eval.embed import Embedder, Progress, embed_clips, embed_texts, similarities
from hark.recipe.ensemble import Ensemble, rewriter
from hark.runtime.load import load
from hark.text.rewrites.rewriter import Rewriter

Moved = Callable[[str, int, int], None]
"""Told (member, clips done, clips to make)."""


class Rewriting(NamedTuple):
    """Asks `rewriter` for up to so many other wordings of a query, whose embeddings are averaged with its own."""

    rewriter: Rewriter
    wordings: int


@dataclass(frozen=True)
class Member:
    """A model and what it counts; `open` gives the model, which is not held for longer than it is needed."""

    name: str
    open: Callable[[], Embedder]
    weight: float = 1.0
    rewriting: Rewriting | None = None


@dataclass(frozen=True)
class Scored:
    """What a member says of (texts, clips); `stamp` identifies its weights and its way with queries."""

    name: str
    stamp: str
    weight: float
    scores: Scores


@dataclass(frozen=True)
class Bank:
    """Queries that are not evaluated on, and tell how near an item is to anything: texts, and clips (or none)."""

    texts: tuple[str, ...] = ()
    clips: tuple[Clip, ...] = ()


@dataclass(frozen=True)
class Found:
    """The members' scores: of the questions, (texts, clips); of the bank's texts, (bank's texts, clips); and of the
    bank's clips, (texts, bank's clips).
    """

    members: tuple[Scored, ...]
    texts: tuple[Scores, ...]
    clips: tuple[Scores, ...]


def members(ensemble: Ensemble) -> list[Member]:
    """The ensemble's members, with one for each checkpoint of those that keep several apart.

    Raises WeightsError, with the command that trains it, where a member's weights are not there; SettingError.
    """
    found = []
    for number, spec in enumerate(ensemble.members):
        where = f"{ensemble.name}.toml: members[{number}]"
        rewriting = None
        if spec.rewrite is not None:
            config, count = rewriter(spec.rewrite, where=f"{where}.rewrite")
            rewriting = Rewriting(config.build(), count)
        try:
            files = spec.files()
        except WeightsError as error:
            raise WeightsError(f"{where}: {error}") from None
        for place, file in enumerate(files, start=1):
            name = spec.name if len(files) == 1 else f"{spec.name}, checkpoint {place}"
            found.append(Member(name, _opener(file), spec.weight / len(files), rewriting))
    return found


def named(names: Sequence[str]) -> list[Member]:
    """A member for each name or path that `hark.load` takes, all of weight 1."""
    return [Member(name, _opener(name)) for name in names]


def embed(
    chosen: Sequence[Member],
    clips: Sequence[Clip],
    texts: Sequence[str],
    *,
    bank: Bank | None = None,
    cache: Path | None = None,
    progress: Moved | None = None,
) -> Found:
    """The scores that each member gives; vectors are taken from the folder `cache`, and put there, unless it is None.

    Models of one stamp embed a clip once, whatever they do with queries.

    Raises DataError, WeightsError, HarkError.
    """
    others = bank or Bank()
    sounds: dict[str, tuple[Vectors, Vectors]] = {}
    scored, of_texts, of_clips = [], [], []
    for member in chosen:
        model = member.open()
        moved = None if progress is None else _moved(progress, member.name)
        if model.stamp not in sounds:
            sounds[model.stamp] = (_hear(model, clips, cache, moved), _hear(model, others.clips, cache, moved))
        heard, heard_bank = sounds[model.stamp]
        reader = model if member.rewriting is None else Augmented(model, *member.rewriting)
        read = _read(reader, texts, cache)
        scored.append(Scored(member.name, reader.stamp, member.weight, similarities(read, heard)))
        if others.texts:
            of_texts.append(similarities(_read(reader, others.texts, cache), heard))
        if others.clips:
            of_clips.append(similarities(read, heard_bank))
        del model, reader  # before the next one comes
    return Found(tuple(scored), tuple(of_texts), tuple(of_clips))


def _hear(model: Embedder, clips: Sequence[Clip], cache: Path | None, progress: Progress | None) -> Vectors:
    if not clips:
        return np.zeros((0, 0), dtype=np.float32)
    if cache is None:
        return embed_clips(model, clips, progress=progress)
    return cached_clips(model, clips, folder=cache, progress=progress)


def _read(model: Embedder, texts: Sequence[str], cache: Path | None) -> Vectors:
    return embed_texts(model, texts) if cache is None else cached_texts(model, texts, folder=cache)


def _moved(progress: Moved, name: str) -> Progress:
    return lambda done, total: progress(name, done, total)


def _opener(name: str) -> Callable[[], Embedder]:
    return lambda: load(name)
