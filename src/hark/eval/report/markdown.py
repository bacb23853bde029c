"""Tables in Markdown."""

from __future__ import annotations

import re
from collections.abc import Sequence

from hark.eval.report.table import Cell, Table


def escape(text: str) -> str:
    """The text as Markdown shows it, in one line: every sign that could mean something has a backslash."""
    plain = " ".join(text.split())
    return re.sub(r"([\\`*_\[\]<>#|~&$])", r"\\\1", plain)


def page(tables: Sequence[Table], lines: Sequence[str]) -> str:
    """All tables, each under its title, and what the numbers were made of (`lines`) at the end."""
    parts = [_table(table) for table in tables]
    return "\n\n".join([*parts, "\n".join(f"- {_plain_start(escape(line))}" for line in lines)]) + "\n"


def _table(table: Table) -> str:
    heads = "| " + " | ".join(map(escape, table.heads)) + " |"
    rule = "|---" * len(table.heads) + "|"
    rows = ["| " + " | ".join([escape(name), *map(_cell, cells)]) + " |" for name, cells in table.rows]
    return "\n".join([f"**{escape(table.title)}**", "", heads, rule, *rows, "", _plain_start(escape(table.note))])


def _cell(cell: Cell) -> str:
    return escape(f"{cell.text} {cell.interval}".strip())


def _plain_start(text: str) -> str:
    """A line that begins like a list, with "1." or "-", would become one."""
    return re.sub(r"^(\d*)([-.=])", r"\1\\\2", text)
