"""hark finds sounds by describing them, and trains and evaluates the models that do it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hark.core.errors import HarkError
    from hark.data.records import Clip, Pair
    from hark.recipe import Recipe
    from hark.runtime.load import load
    from hark.runtime.model import Model
    from hark.search.engine import Hit, Library

__all__ = ["Clip", "HarkError", "Hit", "Library", "Model", "Pair", "Recipe", "load"]

_HOMES = {
    "Clip": "hark.data.records",
    "HarkError": "hark.core.errors",
    "Hit": "hark.search.engine",
    "Library": "hark.search.engine",
    "Model": "hark.runtime.model",
    "Pair": "hark.data.records",
    "Recipe": "hark.recipe",
    "load": "hark.runtime.load",
}


def __getattr__(name: str) -> Any:
    """Imports a public name where it is first used, so that `import hark` costs nothing."""
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'hark' has no attribute '{name}'")
