"""Finds a component by its name: the file's name is the name, in the package or in a plug-in folder.

A component is one file that holds a frozen dataclass `Config` whose `build(...)` returns the thing. Kinds are the
folders they lie in: "audio.features", "models.audio", "models.text", "models.heads", "models.renames", "losses",
"data.corpora", "runtime.compat", "train.optimisers", "train.schedules", "text.rewrites", "text.spelling",
"metrics.combine", "metrics.rescore", "eval.rerankers", "models.captioning.encoders", "models.captioning.decoders".
`HARK_PLUGINS` names folders (separated as in PATH) that hold the same layout, and may hold `recipes/`, `ensembles/`,
`captioners/` and `tasks/` as well (`hark.core.shelf`);
what lies there runs as code, so name only folders that you trust.
"""

from __future__ import annotations

import functools
import hashlib
import importlib
import importlib.util
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from hark.core.errors import SettingError
from hark.core.settings import read, suggest

PACKAGE = Path(__file__).parent.parent


def plugin_folders() -> list[Path]:
    """The folders named by HARK_PLUGINS, in order."""
    return [Path(p).expanduser() for p in os.environ.get("HARK_PLUGINS", "").split(os.pathsep) if p]


def names(kind: str) -> list[str]:
    """All components of a kind, sorted."""
    places = [root.joinpath(*kind.split(".")) for root in (PACKAGE, *plugin_folders())]
    return sorted({file.stem for place in places for file in place.glob("*.py") if _is_component(file)})


def module(kind: str, name: str, *, where: str = "") -> ModuleType:
    """The component's module.

    Raises SettingError, with the nearest known name, where there is none.
    """
    prefix = f"{where}: " if where else ""
    if name.isidentifier():
        relative = Path(*kind.split("."), f"{name}.py")
        if _is_component(PACKAGE / relative):
            return importlib.import_module(f"hark.{kind}.{name}")
        for folder in plugin_folders():
            if _is_component(folder / relative):
                return _load_file((folder / relative).resolve())
    raise SettingError(f"{prefix}no '{name}' among {kind}; {suggest(name, names(kind))}")


def config(kind: str, settings: Mapping[str, Any], *, where: str) -> Any:
    """The component's Config, from a table whose `name` names the component.

    Raises SettingError.
    """
    if not isinstance(settings.get("name"), str):
        raise SettingError(f"{where}.name: missing; one of {', '.join(names(kind))}")
    rest = dict(settings)
    name = rest.pop("name")
    return read(module(kind, name, where=where).Config, rest, where=where, owner=name)


def _is_component(file: Path) -> bool:
    return not file.stem.startswith("_") and file.is_file() and "\nclass Config" in file.read_text(encoding="utf-8")


@functools.cache
def _load_file(file: Path) -> ModuleType:
    name = f"hark_plugin_{hashlib.sha256(str(file).encode()).hexdigest()[:12]}_{file.stem}"
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None, file
    assert spec.loader is not None, file
    found = importlib.util.module_from_spec(spec)
    sys.modules[name] = found  # dataclasses look their module up by its name
    try:
        spec.loader.exec_module(found)
    except Exception as error:
        del sys.modules[name]
        raise SettingError(f"{file}: the plug-in does not load ({type(error).__name__}: {error})") from error
    return found
