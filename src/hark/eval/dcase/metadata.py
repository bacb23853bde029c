"""The YAML file that tells what a system is: written from what is known, and checked in anybody's submission."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml  # type: ignore[import-untyped]

from hark.core.errors import SettingError
from hark.core.settings import read, suggest
from hark.eval.dcase.check import Defect
from hark.eval.dcase.editions import Names

Kind = Literal["text", "number", "yes-no", "authors", "list", "results"]
_KINDS: Mapping[str, tuple[type, ...]] = {
    "text": (str, int, float),
    "number": (int, float),
    "yes-no": (bool,),
    "authors": (list,),
    "list": (list,),
    "results": (dict,),
}
_WORDS: Mapping[str, str] = {
    "text": "a text",
    "number": "a number",
    "yes-no": "true or false",
    "authors": "a list of authors",
    "list": "a list",
    "results": "a number for each metric",
}


@dataclass(frozen=True)
class Field:
    """One field: where it stands ("system.complexity.total_parameters"), what it means, what it has to be.

    `most` is the longest that a text may be.
    """

    at: str
    about: str
    kind: Kind
    need: bool = False
    most: int | None = None


@functools.cache
def fields() -> tuple[Field, ...]:
    """All fields, in the order in which they are written."""
    path = Path(__file__).with_name("metadata.toml")
    tables = tomllib.loads(path.read_text(encoding="utf-8"))["field"]
    return tuple(read(Field, table, where=f"{path.name}: {table['at']}:") for table in tables)


def read_about(path: Path) -> dict[str, Any]:
    """What a TOML file tells of a system, by field: its tables are those of the YAML file.

    Raises SettingError for what is no field, or of the wrong kind.
    """
    try:
        told = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, OSError, UnicodeDecodeError) as error:
        raise SettingError(f"{path}: not TOML ({error})") from None
    known = {one.at: one for one in fields()}
    found: dict[str, Any] = {}
    for at, value in _leaves(told, known):
        if at not in known:
            raise SettingError(f"{path.name}: {at}: no field of the metadata; {suggest(at, known)}")
        if what := _fault(known[at], value):
            raise SettingError(f"{path.name}: {at}: {what}")
        found[at] = value
    return found


def write(names: Names, told: Mapping[str, Any]) -> str:
    """The file's text: every field in its order, a comment above each, null where nothing is told."""
    lines = [f"# {names.edition.title}: a system's metadata. {names.edition.page} has the last word on its fields."]
    lines.append("# null: not told, or not applicable.")
    open_parts: list[str] = []
    for one in fields():
        *parts, name = one.at.split(".")
        shared = next((i for i, (a, b) in enumerate(zip(parts, open_parts, strict=False)) if a != b), len(parts))
        shared = min(shared, len(open_parts))
        for depth in range(shared, len(parts)):
            lines += [""] if depth == 0 else []
            lines.append(f"{'  ' * depth}{parts[depth]}:")
        open_parts = parts
        indent = "  " * len(parts)
        value = names.label if one.at == "submission.label" else told.get(one.at)
        lines.append(f"{indent}# {one.about}")
        text = yaml.safe_dump({name: value}, sort_keys=False, allow_unicode=True, width=1000)
        lines += [f"{indent}{line}" for line in text.rstrip("\n").split("\n")]
    return "\n".join(lines) + "\n"


def check(text: str, name: str, *, label: str | None = None) -> Iterator[Defect]:
    """What is wrong with somebody's file `name`; `label` is what its place in the package says.

    Fields that every DCASE task asks for are needed, the others are only noted where they are missing.
    """
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        told = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{name}:{mark.line + 1}" if mark else name
        yield Defect(where, f"not YAML ({getattr(error, 'problem', None) or error})")
        return
    if not isinstance(told, dict):
        yield Defect(f"{name}:1", "no fields in it; it begins with 'submission:'")
        return
    lines = dict(_lines(node))
    for one in fields():
        part, value, line = one.at, _at(told, one.at), lines.get(one.at)
        place = f"{name}:{line}" if line else name
        if value is None:
            yield Defect(place, f"{part}: {'empty' if line else 'missing'}; {one.about}", note=not one.need)
        elif what := _fault(one, value):
            yield Defect(place, f"{part}: {what}")
    found = _at(told, "submission.label")
    if label is not None and found is not None and str(found).lower() != label.lower():
        yield Defect(f"{name}:{lines['submission.label']}", f"submission.label is '{found}', not '{label}'")


def _fault(one: Field, value: Any) -> str:
    """What is wrong with a value, or nothing."""
    if value is None and not one.need:
        return ""
    if not isinstance(value, _KINDS[one.kind]) or (isinstance(value, bool) and one.kind != "yes-no"):
        return f"{value!r}; give {_WORDS[one.kind]}"
    if one.most is not None and len(str(value)) > one.most:
        return f"'{value}' has {len(str(value))} characters; {one.most} at most"
    if one.kind == "authors" and isinstance(value, list):
        return _authors_fault(value)
    if one.kind == "results" and isinstance(value, dict):
        wrong = next((k for k, v in value.items() if v is not None and not isinstance(v, int | float)), None)
        return f"{wrong} is {value[wrong]!r}; give a number" if wrong is not None else ""
    return ""


def _authors_fault(authors: list[Any]) -> str:
    if not authors or not all(isinstance(author, dict) for author in authors):
        return "no authors; give lastname, firstname, email and affiliation of each"
    for number, author in enumerate(authors, start=1):
        for key in ("lastname", "firstname"):
            if not author.get(key):
                return f"author {number} has no {key}"
    leading = [author for author in authors if author.get("corresponding") is True]
    if len(leading) != 1:
        return f"{len(leading)} corresponding authors; mark exactly one with corresponding: true"
    return "" if leading[0].get("email") else "the corresponding author has no email"


def _leaves(told: Mapping[str, Any], known: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in told.items():
        at = f"{before}{key}"
        if isinstance(value, dict) and at not in known:
            yield from _leaves(value, known, f"{at}.")
        else:
            yield at, value


def _at(told: Any, at: str) -> Any:
    for part in at.split("."):
        told = told.get(part) if isinstance(told, dict) else None
    return told


def _lines(node: Any, before: str = "") -> Iterator[tuple[str, int]]:
    """The line of each field in a file."""
    for key, value in node.value if isinstance(node, yaml.MappingNode) else ():
        at = f"{before}{key.value}"
        yield at, key.start_mark.line + 1
        yield from _lines(value, f"{at}.")
