"""The file names that are taken for sounds when a folder is walked; what is inside decides the rest."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec

# fmt: off
SOUNDS = frozenset({
    ".aac", ".aif", ".aifc", ".aiff", ".au", ".caf", ".flac", ".m4a", ".mka", ".mp3", ".oga", ".ogg", ".opus", ".rf64",
    ".snd", ".w64", ".wav", ".wave", ".wma",
})
VIDEOS = frozenset({".m4v", ".mkv", ".mov", ".mp4", ".webm"})
# fmt: on


@cache
def known_suffixes() -> frozenset[str]:
    """Endings in lower case; those of video files only where the extra `hark[video]` can read them."""
    return SOUNDS | VIDEOS if find_spec("av") is not None else SOUNDS
