"""Where a library lies when nobody says."""

from __future__ import annotations

import os
from pathlib import Path

from hark.core.files import data_folder


def library_folder(given: Path | None = None) -> Path:
    """The folder given, or the one that HARK_LIBRARY names, or `library` among the user's own data."""
    if given is not None:
        return given
    named = os.environ.get("HARK_LIBRARY")
    return Path(named).expanduser() if named else data_folder() / "library"
