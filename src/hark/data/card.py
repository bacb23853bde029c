"""What is known of a published corpus before a file of it is read: licence, size, splits, how to get it, faults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Archive:
    """A public file of a corpus: its https address, its hash where the publisher gives one, its size in bytes.

    `only` are the settings of the corpus that it belongs to, each with one value ({"version": "2"}); none: to all.
    """

    url: str
    md5: str | None = None
    sha256: str | None = None
    size: int | None = None
    only: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Card:
    """A corpus, as its publishers describe it; every file in `data/corpora` that reads a published one has a `CARD`.

    `clips` and `captions` are the published counts by split ("train", "validation", "test", or the corpus's own words;
    "all" where there are none), for `hark data prepare` to compare with. `use` says what the field takes it for.
    `get` says in one line what a user has to do to have it, `archives` what `hark data download` can fetch by itself.
    `defects` are known faults, one sentence each. `hours` are those of all splits.
    """

    title: str
    homepage: str
    licence: str
    citation: str
    use: str
    get: str
    version: str = ""
    hours: float | None = None
    clips: Mapping[str, int] = field(default_factory=dict)
    captions: Mapping[str, int] = field(default_factory=dict)
    archives: tuple[Archive, ...] = ()
    defects: tuple[str, ...] = ()
