"""What made a file: hark's version and those of the libraries that numbers depend on."""

from __future__ import annotations

from importlib.metadata import version


def made_by() -> dict[str, str]:
    """Versions by name; written into everything that hark saves."""
    return {name: version(name) for name in ("hark", "torch", "numpy")}
