"""Checks sets of clips against each other: what is in more than one of them, or in more than one split."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from hark.core.errors import DataError
from hark.data import exclude, manifest
from hark.data.exclude import Exclusions
from hark.data.overlap import ids
from hark.data.overlap.alike import LEAST_PEAKS, alike
from hark.data.overlap.captions import same_caption
from hark.data.overlap.heard import Heard, hear
from hark.data.overlap.report import Member, Overlap, Overlaps, members
from hark.data.records import Clip

Progress = Callable[[int, int], None]


def check(
    sets: Mapping[str, Sequence[Clip]],
    *,
    lists: Exclusions | None = None,
    jobs: int | None = None,
    progress: Progress | None = None,
) -> Overlaps:
    """What the sets, and the splits of each (`split` among a clip's extra), have in common.

    By the ids of Freesound recordings and YouTube videos, by the bytes of files, by decoded samples, by acoustic
    fingerprint, and by near-equal captions. `lists` name clips that are excluded anyway. Equal sounds within a split
    are told as well, but are no leak.

    `jobs` processes work (None: one a processor; 0: this one, without others). A program that calls this with others
    must start under `if __name__ == "__main__":`. What was heard stays in hark's cache, so it may be stopped at any
    time and run again. `progress` hears of the steps that are done, and of all: each clip is heard and compared.

    Raises DataError.
    """
    found = members(sets)
    heard, pairs = _sounds(found, jobs, progress or _nobody)
    by_rank = sorted(found, key=lambda member: member.order)
    pairs += ids.same_freesound(by_rank)
    pairs += ids.same_youtube(by_rank)
    pairs += same_caption(by_rank)
    named = [(member, why) for member in found if (why := _listed(member, lists)) is not None]
    unheard = tuple((found[n], why) for n, why in sorted(heard.faults.items()))
    return Overlaps(
        parts=Counter(member.part for member in found),
        pairs=tuple(sorted(pairs, key=lambda pair: (pair.kind, pair.second.order, pair.first.order))),
        listed=tuple(named),
        unheard=unheard,
        faint=tuple(member for n, member in enumerate(found) if n not in heard.faults and heard.peaks[n] < LEAST_PEAKS),
    )


def check_manifests(
    paths: Sequence[Path],
    *,
    out: Path | None = None,
    lists: Sequence[Path] = (),
    jobs: int | None = None,
    progress: Progress | None = None,
) -> Overlaps:
    """`check` of manifests (or tables) that `hark.data.manifest.read` reads; writes an exclusion file to `out`.

    A set goes by its file's name, or, where that is "manifest", by its folder's. Of two sets the first is kept, so name
    those first that are tested on. `lists` are exclusion lists (`hark.data.exclude.read`).

    Raises DataError.
    """
    known = exclude.read(lists) if lists else None
    sets = {name: manifest.read(path) for name, path in zip(names(paths), paths, strict=True)}
    found = check(sets, lists=known, jobs=jobs, progress=progress)
    if out is not None:
        found.write_exclusions(out)
    return found


def names(paths: Sequence[Path]) -> list[str]:
    """What the sets are called: with as many of the folders above them as it takes to tell them apart.

    Raises DataError for a file that is named twice.
    """
    parts = [exclude.parts_of(path.absolute()) for path in paths]
    if len(set(parts)) < len(parts):
        twice = next(path for path, found in zip(paths, parts, strict=True) if parts.count(found) > 1)
        raise DataError(f"{twice}: named twice; give each set once")
    told = []
    for found in parts:
        depth = 1
        while sum(other[-depth:] == found[-depth:] for other in parts) > 1:
            depth += 1
        told.append("/".join(found[-depth:]))
    return told


def _sounds(found: Sequence[Member], jobs: int | None, progress: Progress) -> tuple[Heard, list[Overlap]]:
    """What is heard of all clips, and which are the same by their bytes, samples and fingerprints."""
    done = 0

    def count(clips: int) -> None:
        nonlocal done
        done += clips
        progress(done, 2 * len(found))

    heard = hear([member.clip for member in found], jobs=jobs, progress=count)
    pairs = [*ids.same_file(found, heard.files), *ids.same_samples(found, heard.waves)]

    def compared(part: int, whole: int) -> None:
        progress(len(found) + len(found) * part // whole, 2 * len(found))

    for pair in alike(heard, jobs=jobs, progress=compared):
        one, two, offset_s = found[pair.one], found[pair.two], pair.likeness.offset_s
        if two.order < one.order:
            one, two, offset_s = two, one, -offset_s
        likeness = pair.likeness
        evidence = f"{likeness.share:.0%} of the peaks ({likeness.peaks}, surprise {likeness.surprise:.0f})"
        pairs.append(Overlap("fingerprint", one, two, evidence, likeness.share, offset_s))
    progress(2 * len(found), 2 * len(found))
    return heard, pairs


def _nobody(done: int, total: int) -> None:
    """Hears of the progress where nobody else does."""


def _listed(member: Member, lists: Exclusions | None) -> str | None:
    return None if lists is None else lists.excludes(member.clip, corpus=member.set)
