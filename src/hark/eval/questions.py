"""The questions of an evaluation of retrieval: texts, and which clips answer each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from hark.core.errors import DataError
from hark.core.types import Relevance
from hark.data.manifest import Query
from hark.data.records import Clip
from hark.metrics.answers import Answers
from hark.text.prompts import words

Texts = Literal["captions", "labels", "queries"]


@dataclass(frozen=True)
class Asked:
    """The distinct `texts` in the order in which they first appear, and which clips answer each, as pairs.

    `kind` says what the texts are. Of a million clips it takes little memory; `Questions` holds the same as a matrix.
    """

    kind: Texts
    texts: tuple[str, ...]
    answers: Answers


@dataclass(frozen=True)
class Questions:
    """The distinct `texts` in the order in which they first appear; `relevant` (texts, clips) says what answers them.

    `kind` says what the texts are.
    """

    kind: Texts
    texts: tuple[str, ...]
    relevant: Relevance

    @property
    def described(self) -> NDArray[np.bool_]:
        """(clips,) whether any text is about the clip; one that none is about can only be a wrong answer."""
        told: NDArray[np.bool_] = np.any(self.relevant, axis=0)
        return told

    @property
    def asked(self) -> Asked:
        """The same, as pairs."""
        return Asked(self.kind, self.texts, Answers.of(self.relevant))


def questions(clips: Sequence[Clip], queries: Sequence[Query] | None = None) -> Questions:
    """The texts about the clips.

    They are those of `queries`; without them the clips' distinct captions (one that two clips share is answered by
    both); where no clip has a caption, the labels' words (answered by every clip with the label).

    Raises DataError where there is nothing to ask, an id stands twice, or a query names a clip that is not there.
    """
    asked = ask(clips, queries)
    return Questions(asked.kind, asked.texts, asked.answers.matrix())


def ask(clips: Sequence[Clip], queries: Sequence[Query] | None = None) -> Asked:
    """The same as `questions`, as pairs."""
    place = _places(clips)
    if queries is not None:
        kind: Texts = "queries"
        answers = _gather((query.text, _answers(query, place)) for query in queries)
    elif any(clip.captions for clip in clips):
        kind = "captions"
        answers = _gather((text, [place[clip.id]]) for clip in clips for text in clip.captions)
    else:
        kind = "labels"
        answers = _gather((words(label), [place[clip.id]]) for clip in clips for label in clip.labels)
    if not answers:
        nothing = "no queries in the file" if kind == "queries" else "no clip has a caption or a label"
        raise DataError(f"{nothing}; nothing to search for")
    query = np.repeat(np.arange(len(answers)), [len(found) for found in answers.values()])
    item = np.array([clip for found in answers.values() for clip in found], dtype=np.int64)
    pairs = Answers.paired(query, item, queries=len(answers), items=len(clips))
    return Asked(kind, tuple(answers), pairs)


def _places(clips: Sequence[Clip]) -> dict[str, int]:
    """Where each clip stands, by id."""
    if not clips:
        raise DataError("no clips; nothing to evaluate on")
    place: dict[str, int] = {}
    for at, clip in enumerate(clips):
        if clip.id in place:
            raise DataError(f"clip id '{clip.id}' stands twice; ids must be unique in an evaluation")
        place[clip.id] = at
    return place


def _answers(query: Query, place: Mapping[str, int]) -> list[int]:
    if not query.relevant:
        raise DataError(f'query "{query.text}": no relevant clip; name at least one')
    for clip_id in query.relevant:
        if clip_id not in place:
            raise DataError(
                f"query \"{query.text}\": no clip '{clip_id}' in the manifest; mend the id, or the selection"
            )
    return [place[clip_id] for clip_id in query.relevant]


def _gather(found: Iterable[tuple[str, Iterable[int]]]) -> dict[str, set[int]]:
    """The clips that answer each distinct text, in the order in which the texts first appear."""
    answers: dict[str, set[int]] = {}
    for text, clips in found:
        answers.setdefault(text, set()).update(clips)
    return answers
