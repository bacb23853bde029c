"""WavCaps: 403,050 sounds of Freesound, BBC, SoundBible and AudioSet with sentences that ChatGPT made."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hark.core.errors import DataError
from hark.data.card import Card
from hark.data.corpora import _verbatim
from hark.data.records import Clip
from hark.data.rows import Row
from hark.data.stems import Stems
from hark.data.whole import known_splits, require_counts, whole

TABLES = {
    "FreeSound": "fsd_final.json",
    "BBC_Sound_Effects": "bbc_final.json",
    "SoundBible": "sb_final.json",
    "AudioSet_SL": "as_final.json",
}
PARTS = tuple(TABLES)
LISTED_AS = {"FreeSound": "FreeSound", "AudioSet_SL": "AudioSet"}  # the parts' names in the exclusion lists
TOLD = ("title", "description", "category", "author", "file_name", "download_link")

CARD = Card(
    title="WavCaps",
    homepage="https://huggingface.co/datasets/cvssp/WavCaps",
    licence="academic use only; Freesound, BBC, SoundBible and YouTube have their own terms besides",
    citation="X. Mei et al. WavCaps: A ChatGPT-Assisted Weakly-Labelled Audio Captioning Dataset for Audio-Language "
    "Multimodal Research. IEEE/ACM TASLP 2024. arXiv:2303.17395",
    use="training on many sentences; not checked by people",
    get="Download json_files and Zip_files from Hugging Face, join the split archives and unpack them.",
    hours=7568.0,
    clips={"FreeSound": 262300, "BBC_Sound_Effects": 31201, "SoundBible": 1232, "AudioSet_SL": 108317},
    captions={"FreeSound": 262300, "BBC_Sound_Effects": 31201, "SoundBible": 1232, "AudioSet_SL": 108317},
    defects=(
        "It holds sounds of AudioCaps, Clotho, ESC-50, UrbanSound8K and VGGSound; name its own lists in `exclude`.",
        "Its exclusion lists name some Freesound ids twice.",
        "It does not say where in its video a clip of AudioSet starts.",
        "Freesound sounds are up to hours long, though their sentence may tell of a moment.",
    ),
)


@dataclass(frozen=True)
class Config:
    """WavCaps in its four parts, which are its splits: FreeSound, BBC_Sound_Effects, SoundBible, AudioSet_SL.

    `path` is the published folder: `json_files/FreeSound/fsd_final.json` and so on, and the unpacked sounds anywhere in
    folders whose names begin with the part's (`Zip_files/FreeSound/`, `waveforms/FreeSound_flac/`; the ids of
    different parts are the same numbers). `exclude` names exclusion lists of `json_files/blacklist` without their
    ending ("blacklist_exclude_test_ac"), or files with a path relative to `path`; what they list is left out.
    `complete = false` accepts a part of it.
    """

    path: str
    splits: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    complete: bool = True

    def __post_init__(self) -> None:
        known_splits(self.splits, PARTS, CARD.title)

    def build(self) -> list[Clip]:
        """The clips, all there.

        Raises DataError where a table or a sound is missing, or the corpus is not whole.
        """
        where = Path(self.path).expanduser()
        clips = self._all()
        if self.complete:
            require_counts(clips, card=CARD, splits=self.splits, where=where)
        return whole(self._sifted(clips)[0], card=CARD, splits=self.splits, complete=False, where=where)

    def listed(self) -> list[Clip]:
        """Every clip in the tables' order, but those that `exclude` leaves out; the id is "FreeSound/180913".

        Raises DataError.
        """
        return self._sifted(self._all())[0]

    def omitted(self) -> list[tuple[Clip, str]]:
        """The clips that `exclude` leaves out, each with why.

        Raises DataError.
        """
        found = self._sifted(self._all())[1] if self.exclude else []
        return [(clip, "on a list of 'exclude'") for clip in found]

    def _all(self) -> list[Clip]:
        folder = Path(self.path).expanduser()
        stems = Stems(folder)
        clips: list[Clip] = []
        for part in self.splits or PARTS:
            table = folder / "json_files" / part / TABLES[part]
            found = _verbatim.json_file(table)
            rows = _verbatim.entries(found.get("data") if isinstance(found, dict) else found, table)
            clips += [_clip(row, part, folder, stems) for row in rows]
        return clips

    def _sifted(self, clips: list[Clip]) -> tuple[list[Clip], list[Clip]]:
        """The clips that stay, and those that `exclude` leaves out."""
        left_out = {name for exclude in self.exclude for name in self._excluded(exclude)}
        kept = [clip for clip in clips if clip.id not in left_out]
        return kept, [clip for clip in clips if clip.id in left_out]

    def _excluded(self, exclude: str) -> list[str]:
        folder = Path(self.path).expanduser()
        path = folder / "json_files" / "blacklist" / f"{exclude}.json"
        path = path if path.is_file() else folder / Path(exclude).expanduser()
        found = _verbatim.json_file(path)
        if not isinstance(found, dict) or not set(found) <= set(LISTED_AS.values()):
            raise DataError(f"{path}: not a list of WavCaps' excluded ids, {{'AudioSet': [...], 'FreeSound': [...]}}")
        return [_id(part, name) for part, key in LISTED_AS.items() for name in found.get(key, [])]


def _clip(row: Row, part: str, folder: Path, stems: Stems) -> Clip:
    name = _id(part, row.text("id"))
    stem = name.partition("/")[2]
    extra = {"split": part}
    if part == "FreeSound":
        extra["freesound_id"] = stem
    elif part == "AudioSet_SL":
        extra["youtube_id"] = stem[1:]
    extra |= {key: _as_text(row.values[key]) for key in TOLD if row.values.get(key)}
    if tags := row.values.get("tags"):
        extra["tags"] = "; ".join(map(str, tags)) if isinstance(tags, list) else str(tags)
    return Clip(
        id=name,
        path=stems.find(stem, within=part, only=True) or folder / part / f"{stem}.flac",
        captions=_verbatim.said([row.text("caption")]),
        extra=extra,
    )


def _id(part: str, name: str) -> str:
    """ "AudioSet_SL" and "Yb0RFKhbpFJA.wav" -> "AudioSet_SL/Yb0RFKhbpFJA"."""
    return f"{part}/{name.removesuffix('.wav')}"


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else str(value)
