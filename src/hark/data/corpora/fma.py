"""FMA: 106,574 tracks of the Free Music Archive in 161 genres."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from hark.core.errors import DataError
from hark.data import rows
from hark.data.card import Archive, Card
from hark.data.corpora import _published
from hark.data.records import Clip
from hark.data.whole import known_splits, whole

COUNTS = {
    "small": {"training": 6400, "validation": 800, "test": 800},
    "medium": {"training": 19922, "validation": 2505, "test": 2573},
    "large": {"training": 84353, "validation": 10958, "test": 11263},
}
_AT = "https://os.unil.cloud.switch.ch/fma/fma_"
CARD = Card(
    title="FMA",
    homepage="https://github.com/mdeff/fma",
    licence="CC BY 4.0 for the metadata; each track has the licence that its artist chose (extra `licence`)",
    citation="M. Defferrard, K. Benzi, P. Vandergheynst, X. Bresson. FMA: A Dataset for Music Analysis. ISMIR 2017.",
    use="music: genre recognition, titles and artists; Microsoft CLAP trains on it",
    get="Download fma_metadata.zip and the archive of the size you want (small 7 GiB, medium 22 GiB, large 93 GiB, "
    "full 879 GiB), and unpack them in one folder.",
    version="2017-05-09 (rc1)",
    clips=COUNTS["large"],
    archives=(
        Archive(_AT + "metadata.zip"),
        *(Archive(f"{_AT}{subset}.zip", only={"subset": subset}) for subset in (*COUNTS, "full")),
    ),
    defects=(
        "Some excerpts are empty or shorter than 30 s, because the archive told a wrong length (extra `fault`).",
        "About half of the tracks have no top genre.",
    ),
)
# the authors' wiki, "Excerpts shorter than 30s": those of the small and medium sets, and how long they are
EMPTY = (1486, 5574, 65753, 80391, 98558, 98559, 98560, 98571, 99134, 105247, 108925, 126981, 127336, 133297, 143992)
SHORT_S = {98565: 1.6, 98566: 6.2, 98567: 0.5, 98568: 6.6, 98569: 1.5, 108924: 27.4}
FAULTS = dict.fromkeys(EMPTY, "no sound in it") | {key: f"only {length} s" for key, length in SHORT_S.items()}
TOLD = {
    "title": ("track", "title"),
    "artist": ("artist", "name"),
    "album": ("album", "title"),
    "genre_top": ("track", "genre_top"),
    "licence": ("track", "license"),
}


@dataclass(frozen=True)
class Config:
    """FMA in its splits `training`, `validation` and `test`; no artist is in two of them.

    `path` is the folder that holds `fma_metadata/` and `fma_small/`, `fma_medium/`, `fma_large/` or `fma_full/`, as
    `subset` says: the first three are excerpts of 30 s, `full` are the whole tracks of `large`. `task` says what the
    labels are: the `top` genre (none for half of the tracks of large and full) or `all` genres, the parents of the
    artist's own ones included. There are no captions; a track's title, artist, album and licence are extras.
    `complete = false` accepts a part of the corpus.
    """

    path: str
    splits: tuple[str, ...] = ()
    subset: Literal["small", "medium", "large", "full"] = "large"
    task: Literal["top", "all"] = "top"
    complete: bool = True

    def __post_init__(self) -> None:
        known_splits(self.splits, tuple(CARD.clips), CARD.title)

    @property
    def card(self) -> Card:
        """The card with the counts of this subset; the full tracks are those of `large`."""
        return _published.counting(CARD, COUNTS.get(self.subset, COUNTS["large"]))

    def listed(self) -> list[Clip]:
        """The tracks of the table, whether or not their sounds are there.

        Raises DataError where a table is missing or cannot be used.
        """
        metadata = _published.root(self.path) / "fma_metadata"
        genres = {row.text("genre_id"): row.text("title") for row in rows.read(metadata / "genres.csv")}
        return _published.asked(self._tracks(metadata / "tracks.csv", genres), self.splits)

    def build(self) -> list[Clip]:
        """The tracks in the order of the table.

        Raises DataError where a table or a sound is missing, or the corpus is not whole.
        """
        return whole(self.listed(), card=self.card, splits=self.splits, complete=self.complete, where=Path(self.path))

    def _tracks(self, table: Path, genres: Mapping[str, str]) -> Iterator[Clip]:
        folder = _published.root(self.path) / f"fma_{self.subset}"
        sizes = {"small": ("small",), "medium": ("small", "medium")}.get(self.subset, tuple(COUNTS))
        for place, track, told in _tracks(table):
            if told["set", "subset"] not in sizes:
                continue
            extra = {key: told[column] for key, column in TOLD.items() if told[column]}
            if track in FAULTS and self.subset != "full":
                extra["fault"] = FAULTS[track]
            if self.task == "all":
                labels = [_genre(number, genres, place) for number in _numbers(told["track", "genres_all"], place)]
            else:
                labels = [told["track", "genre_top"]] if told["track", "genre_top"] else []
            yield Clip(
                id=f"{track:06d}",
                path=folder / f"{track // 1000:03d}" / f"{track:06d}.mp3",
                labels=tuple(labels),
                extra={"split": told["set", "split"], **extra},
            )


def _tracks(table: Path) -> Iterator[tuple[str, int, Mapping[tuple[str, str], str]]]:
    """Place, number and cells of each track; a column is named by two lines, and a third names the first column."""
    lines = _published.cells(table)
    (_, groups), (_, names), (place, third) = (next(lines, (table.name, [""])) for _ in range(3))
    header = list(zip(groups, names, strict=False))
    wanted = [("set", "split"), ("set", "subset"), ("track", "genres_all"), *TOLD.values()]
    missing = [".".join(column) for column in wanted if column not in header]
    if missing or third[0] != "track_id":
        raise DataError(f"{place}: no column '{(missing or ['track_id'])[0]}'; give the tracks.csv of fma_metadata.zip")
    for place, cells in lines:
        if len(cells) != len(header) or not cells[0].isdecimal():
            raise DataError(f"{place}: no track of {len(header)} cells; download fma_metadata.zip again")
        told = dict(zip(header, cells, strict=True))
        yield place, int(cells[0]), {column: told[column].strip() for column in wanted}


def _numbers(written: str, place: str) -> list[int]:
    try:
        numbers = json.loads(written)
    except json.JSONDecodeError:
        numbers = None
    if not isinstance(numbers, list):
        raise DataError(f"{place}: 'track.genres_all' is {written!r}; a list of numbers is expected")
    return numbers


def _genre(number: int, genres: Mapping[str, str], place: str) -> str:
    if str(number) not in genres:
        raise DataError(f"{place}: genre {number} is not in genres.csv; download fma_metadata.zip again")
    return genres[str(number)]
