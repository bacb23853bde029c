"""What made a file or a number: versions of hark and the libraries that numbers depend on, and the command line."""

from __future__ import annotations

import shlex
import sys
from importlib.metadata import version


def made_by() -> dict[str, str]:
    """Versions by name; written into everything that hark saves."""
    return {name: version(name) for name in ("hark", "torch", "numpy")}


def command_line() -> str:
    """The command that is running, as one would type it again."""
    return shlex.join(["hark", *sys.argv[1:]])
