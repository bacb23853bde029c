"""Reads settings (from TOML or JSON) into a frozen dataclass, strictly, with errors that teach."""

from __future__ import annotations

import dataclasses
import difflib
import types
from collections.abc import Iterable, Mapping
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from hark.core.errors import SettingError

T = TypeVar("T")


def read(config: type[T], settings: Mapping[str, Any], *, where: str, owner: str = "") -> T:
    """The dataclass `config` filled from `settings`; unknown, missing and mistyped settings are refused.

    `where` stands before every message ("tiny.toml: audio.features"); `owner` names whose settings these are.

    Raises SettingError.
    """
    assert dataclasses.is_dataclass(config), config
    fields = {field.name: field for field in dataclasses.fields(config) if field.init}
    hints = get_type_hints(config)
    whose = f"unknown setting of '{owner}'" if owner else "unknown setting"
    for key in settings:
        if key not in fields:
            raise SettingError(f"{_join(where, key)}: {whose}; {suggest(key, fields)}")
    values = {}
    for name, field in fields.items():
        if name in settings:
            values[name] = convert(hints[name], settings[name], where=_join(where, name))
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise SettingError(f"{_join(where, name)}: missing; give a {_name_of(hints[name])}")
    try:
        return config(**values)
    except ValueError as error:  # a Config checks its own numbers in __post_init__
        raise SettingError(f"{where.removesuffix(':')}: {error}") from None


MANY = 24  # names that a hint lists


def suggest(word: str, known: Iterable[str]) -> str:
    """The hint after an unknown name: the nearest known one, or all of them, or of many the first ones."""
    known = sorted(set(known))
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    if near:
        return f"did you mean '{near[0]}'?"
    more = f", ... ({len(known)} in all)" if len(known) > MANY else ""
    return f"known: {', '.join(known[:MANY])}{more}" if known else "it takes none"


def convert(kind: Any, value: Any, *, where: str) -> Any:
    """`value` as the annotated type `kind`; only a whole number may stand for a float.

    Raises SettingError.
    """
    origin, arguments = get_origin(kind), get_args(kind)
    if kind is Any:
        return value
    if origin in (Union, types.UnionType):
        if value is None and type(None) in arguments:
            return None
        inner = [a for a in arguments if a is not type(None)]
        assert len(inner) == 1, f"settings may be optional but not a union: {kind}"
        return convert(inner[0], value, where=where)
    if origin is Literal:
        if value in arguments:
            return value
        raise SettingError(f"{where}: {value!r}; {suggest(str(value), map(str, arguments))}")
    if origin is tuple and isinstance(value, list | tuple):
        if len(arguments) == 2 and arguments[1] is Ellipsis:
            return tuple(convert(arguments[0], v, where=f"{where}[{i}]") for i, v in enumerate(value))
        if len(value) == len(arguments):
            pairs = zip(arguments, value, strict=True)
            return tuple(convert(a, v, where=f"{where}[{i}]") for i, (a, v) in enumerate(pairs))
        raise SettingError(f"{where}: {len(value)} values, expected {len(arguments)}")
    if origin in (dict, Mapping) or kind is dict:
        if isinstance(value, Mapping):
            return dict(value)
    elif dataclasses.is_dataclass(kind) and isinstance(kind, type):
        if isinstance(value, Mapping):
            return read(kind, value, where=where)
    elif kind is float and type(value) in (int, float):
        return float(value)
    elif isinstance(kind, type) and type(value) is kind:
        return value
    found = "a table" if isinstance(value, Mapping) else f"{type(value).__name__} {value!r}"
    raise SettingError(f"{where}: {found}, expected {_name_of(kind)}")


def _join(where: str, key: str) -> str:
    """ "tiny.toml:" and "dim" -> "tiny.toml: dim"; "tiny.toml: audio" and "rate_hz" -> "tiny.toml: audio.rate_hz"."""
    return f"{where} {key}" if where.endswith(":") else f"{where}.{key}"


def _name_of(kind: Any) -> str:
    """The type's name as a user says it."""
    if dataclasses.is_dataclass(kind) or get_origin(kind) in (dict, Mapping):
        return "table"
    if get_origin(kind) is tuple:
        return "list"
    return getattr(kind, "__name__", str(kind)) if get_origin(kind) is None else str(kind)
