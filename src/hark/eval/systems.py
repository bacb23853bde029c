"""A system by its name, whatever it is (a model, a run's folder, an ensemble), and what it makes of clips and texts."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hark import recipe as recipes
from hark.checkpoints import rows
from hark.core import component
from hark.core.errors import SettingError
from hark.core.types import Scores
from hark.data.records import Clip
from hark.eval.embed import Embedder, Progress, embed_clips, embed_texts, similarities
from hark.recipe import ensemble as ensembles


@dataclass(frozen=True)
class Scored:
    """`scores` (texts, clips) by the system of that name and stamp; `back` (clips, texts), the other way.

    `members` is how many models it has; `model` is the model where it is one.
    """

    name: str
    stamp: str
    scores: Scores
    back: Scores
    members: int = 1
    model: Embedder | None = None


def scores_of(
    system: str | Embedder, clips: Sequence[Clip], texts: Sequence[str], *, progress: Progress | None = None
) -> Scored:
    """The similarities of texts and clips by a system: a model, its name, file or folder, or an ensemble's.

    Raises SettingError, WeightsError, DataError.
    """
    if isinstance(system, str) and is_ensemble(system):
        return _ensemble(system, clips, texts, progress)
    from hark.runtime.load import load

    if isinstance(system, str):
        refuse_misspelt(system)
    model: Any = load(system) if isinstance(system, str) else system
    said = embed_texts(model, list(texts))
    scores = similarities(said, embed_clips(model, clips, progress=progress))
    return Scored(model.name, model.stamp, scores, scores.T, model=model)


def is_ensemble(system: str) -> bool:
    """Whether it is the name of an ensemble, or a file that lists members."""
    path = Path(system).expanduser()
    if path.suffix == ".toml" and path.is_file():
        try:
            return "members" in tomllib.loads(path.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError):
            return False  # a recipe's reader says what is wrong with it
    return system in ensembles.names()


def refuse_misspelt(system: str) -> None:
    """Sees that a name is not nearly that of an ensemble, which whoever loads models does not know.

    Raises SettingError.
    """
    near = difflib.get_close_matches(system, ensembles.names(), n=1, cutoff=0.85)
    if not near or near[0] == system or Path(system).expanduser().exists():
        return
    if system not in recipes.names() and all(system != row.name for row in rows.rows()):
        raise SettingError(f"no model or ensemble '{system}'; did you mean '{near[0]}'?")


def _ensemble(name: str, clips: Sequence[Clip], texts: Sequence[str], progress: Progress | None) -> Scored:
    from hark.eval.ensembles.ensemble import combined, named
    from hark.eval.ensembles.members import embed, members

    ensemble = ensembles.load(name)
    found = embed(
        members(ensemble),
        clips,
        texts,
        progress=None if progress is None else lambda _, done, total: progress(done, total),
    ).members
    combine = component.config("metrics.combine", ensemble.combine, where=f"{ensemble.name}.toml: combine").build()
    there, back = combined(found, combine)
    called = named(ensemble.name, found, ensemble.combine)
    return Scored(called.name, called.stamp, there, back, members=len(found))
