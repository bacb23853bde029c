"""The folder that a demonstration writes into: claimed, emptied of an earlier one, and never anybody else's."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from hark.core.errors import SettingError
from hark.core.files import write_text
from hark.core.provenance import made_by

MARK = "demo.json"
SCENES, LIBRARY, TRAINING = "scenes", "library", "tiny"
REPORT, PAGE = "report.json", "report.html"


def claim(out: Path, *, folder: Path | None = None) -> None:
    """Makes `out` ready: a new or empty folder, or that of an earlier demonstration, whose results are removed.

    Raises SettingError where it holds other things, cannot be written, or holds the `folder` of sounds to search.
    """
    if folder is not None and folder.resolve().is_relative_to(out.resolve()):
        raise SettingError(f"{folder}: lies in {out}, which a demonstration empties first; give another --out")
    if out.exists() and not out.is_dir():
        raise SettingError(f"{out}: is no folder; give a new one with --out")
    try:
        out.mkdir(parents=True, exist_ok=True)
        if not (out / MARK).is_file():
            if any(entry.name[0] != "." for entry in out.iterdir()):
                raise SettingError(f"{out}: holds other things; give a new folder with --out")
            write_text(out / MARK, json.dumps(made_by()) + "\n")
        for name in (SCENES, LIBRARY, TRAINING):
            if (out / name).is_dir():
                shutil.rmtree(out / name)
        for name in (REPORT, PAGE):
            (out / name).unlink(missing_ok=True)
    except OSError as error:
        raise SettingError(f"{out}: cannot be written ({error.strerror}); give another --out") from None
