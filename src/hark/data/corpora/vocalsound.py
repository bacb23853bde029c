"""VocalSound: 21,024 recordings of laughter, sighs, coughs, throat clearing, sneezes and sniffs by 3,365 people."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hark.core.errors import DataError
from hark.data import rows
from hark.data.card import Archive, Card
from hark.data.corpora import _published, _verbatim
from hark.data.records import Clip
from hark.data.whole import known_splits, whole

FILES = {"train": "tr", "validation": "val", "test": "te"}
SEX = {"f": "female", "m": "male"}
CARD = Card(
    title="VocalSound",
    homepage="https://github.com/YuanGongND/vocalsound",
    licence="CC BY-SA 4.0",
    citation="Y. Gong, J. Yu, J. Glass. VocalSound: A Dataset for Improving Human Vocal Sounds Recognition. "
    "ICASSP 2022.",
    use="classification of six sounds of the human voice; one of Microsoft CLAP's evaluation tasks",
    get="Download the archive of 16 kHz (1.7 GB) or of 44.1 kHz (4.5 GB) and unpack it.",
    clips={"train": 15570, "validation": 1860, "test": 3594},
    archives=(
        Archive("https://www.dropbox.com/s/c5ace70qh1vbyzb/vs_release_16k.zip?dl=1", only={"audio": "audio_16k"}),
        Archive("https://www.dropbox.com/s/ybgaprezl8ubcce/vs_release_44k.zip?dl=1", only={"audio": "audio_44k"}),
    ),
    defects=("Each person made all six sounds; the published splits share no person.",),
)


@dataclass(frozen=True)
class Config:
    """VocalSound in its published splits.

    `path` is the unpacked release, with `datafiles/tr.json`, `val.json`, `te.json`, `class_labels_indices_vs.csv` and
    the sounds in `audio` ("audio_16k", or "audio_44k" in the larger one). `complete = false` accepts a part of it.
    """

    path: str
    splits: tuple[str, ...] = ()
    audio: str = "audio_16k"
    complete: bool = True

    def __post_init__(self) -> None:
        known_splits(self.splits, tuple(FILES), CARD.title)

    def build(self) -> list[Clip]:
        """The clips, all there.

        Raises DataError where a table or a sound is missing, or the corpus is not whole.
        """
        where = Path(self.path).expanduser() / "datafiles"
        return whole(self.listed(), card=CARD, splits=self.splits, complete=self.complete, where=where)

    def listed(self) -> list[Clip]:
        """Every clip in the tables' order with its class as label ("Throat clearing"); the id is its file's name.

        Raises DataError.
        """
        folder = Path(self.path).expanduser()
        classes = rows.read(folder / "class_labels_indices_vs.csv")
        names = {row.text("mid"): row.text("display_name") for row in classes}
        return [
            clip for split in FILES if split in (self.splits or FILES) for clip in self._split(folder, split, names)
        ]

    def _split(self, folder: Path, split: str, names: dict[str, str]) -> Iterator[Clip]:
        short = FILES[split]
        table = _published.first_of(folder / "datafiles" / f"{short}.json", folder / "datafiles" / f"{short}_rev.json")
        found = _verbatim.json_file(table)
        for row in _verbatim.entries(found.get("data") if isinstance(found, dict) else found, table):
            label = row.text("labels")
            if label not in names:
                raise DataError(f"{row.place}: label {label} is not in class_labels_indices_vs.csv")
            name = row.text("wav").rsplit("/", 1)[-1]  # the authors' own path stands before it
            speaker = name.split("_")[0]
            sex = {"sex": SEX[speaker[0]]} if speaker[:1] in SEX else {}
            extra = {"split": split, "speaker": speaker, **sex}
            yield Clip(id=name, path=folder / self.audio / name, labels=(names[label],), extra=extra)
