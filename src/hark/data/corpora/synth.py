"""Synthesised everyday sounds with captions: a corpus for tests and first steps, which needs no download."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hark.audio import encode, synth
from hark.audio.synth.catalogue import KINDS
from hark.audio.synth.kind import LEAST_HZ, Kind
from hark.audio.synth.scene import compose
from hark.core.errors import DataError
from hark.core.files import cache_folder, write_text
from hark.core.settings import suggest
from hark.data import manifest
from hark.data.records import Clip

STAMP = "synth.json"
MANIFEST = "manifest.jsonl"


@dataclass(frozen=True)
class Config:
    """`clips` sounds of `duration_s` seconds at `rate_hz`, of all kinds in turn or of the labels in `kinds`.

    With `scenes` each clip is a scene of one to three sounds instead, and its extra `events` says in JSON which is
    heard when: [{"label": "dog bark", "start_s": 0.2, "end_s": 1.4}, ...]. Clip number n depends on `seed` and n alone.

    The files are FLAC, kept in `path` (a folder in hark's cache unless given) beside a manifest of them, and made only
    where they are not there yet. They are free of rights: nothing was recorded.
    """

    clips: int = 200
    seed: int = 0
    kinds: tuple[str, ...] = ()
    scenes: bool = False
    duration_s: float = 5.0
    rate_hz: int = 16000
    path: str = ""

    def __post_init__(self) -> None:
        for label in self.kinds:
            if label not in KINDS:
                raise ValueError(f"kinds: no kind '{label}'; {suggest(label, KINDS)}")
        least_s = 2.0 if self.scenes else 0.3
        checks = {
            "clips": (self.clips, 1),
            "seed": (self.seed, 0),
            "duration_s": (self.duration_s, least_s),
            "rate_hz": (self.rate_hz, LEAST_HZ),
        }
        for name, (value, least) in checks.items():
            if value < least:
                raise ValueError(f"{name}: {value}; give {least} or more")

    def build(self) -> list[Clip]:
        """The clips, after what is missing of their files has been made.

        Raises DataError where the folder holds something else.
        """
        folder = Path(self.path).expanduser() if self.path else cache_folder() / f"synth-{self._identity()[:16]}"
        self._claim(folder)
        table = folder / MANIFEST
        known = {clip.id: clip for clip in manifest.read(table)} if table.exists() else {}
        kinds = [KINDS[label] for label in self.kinds or KINDS]
        clips = []
        for number in range(self.clips):
            name = f"{number:05d}"
            if name in known and known[name].path.is_file():
                clips.append(known[name])
            else:
                clips.append(self._scene(name, kinds, folder) if self.scenes else self._single(name, kinds, folder))
        if clips != list(known.values()):
            manifest.write(table, clips)
        return clips

    def _single(self, name: str, kinds: Sequence[Kind], folder: Path) -> Clip:
        rng = np.random.default_rng([self.seed, int(name)])
        kind = kinds[int(name) % len(kinds)]
        captions = tuple(str(text) for text in rng.permutation(kind.captions))
        file = folder / f"{name}-{kind.label.replace(' ', '-')}.flac"
        if not file.exists():  # written whole or not at all
            encode.write(file, kind.render(rng, self.rate_hz, duration_s=self.duration_s), self.rate_hz)
        return Clip(name, file, captions, (kind.label,))

    def _scene(self, name: str, kinds: Sequence[Kind], folder: Path) -> Clip:
        rng = np.random.default_rng([self.seed, int(name)])
        scene = compose(rng, self.rate_hz, duration_s=self.duration_s, kinds=kinds)
        file = folder / f"{name}.flac"
        if not file.exists():
            encode.write(file, scene.wave, self.rate_hz)
        events = json.dumps([dataclasses.asdict(event) for event in scene.events])
        return Clip(name, file, scene.captions, tuple(event.label for event in scene.events), extra={"events": events})

    def _identity(self) -> str:
        """Changes with every setting that the sounds depend on, and with the synthesiser's code."""
        settings = dataclasses.asdict(self) | {"path": ""}
        digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
        for source in sorted(Path(synth.__path__[0]).glob("*.py")):
            digest.update(source.read_bytes())
        return digest.hexdigest()

    def _claim(self, folder: Path) -> None:
        """Sees that the folder is empty or holds just this corpus, and marks it."""
        stamp = folder / STAMP
        made = {"identity": self._identity(), **(dataclasses.asdict(self) | {"path": ""})}
        if stamp.exists():
            if stamp.read_text(encoding="utf-8") != json.dumps(made):
                raise DataError(f"{folder}: holds synthesised sounds of other settings; give another path or delete it")
            return
        if folder.exists() and not (folder.is_dir() and not any(file.name[0] != "." for file in folder.iterdir())):
            raise DataError(f"{folder}: holds other things; give the path of a new folder")
        write_text(stamp, json.dumps(made))
