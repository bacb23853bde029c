"""Tables in LaTeX, for booktabs."""

from __future__ import annotations

import re
from collections.abc import Sequence

from hark.eval.report.table import Cell, Table

SPECIAL = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "-": r"{-}",  # so that -- stays two
    "`": r"\textasciigrave{}",
    "'": r"\textquotesingle{}",
    "\N{EN DASH}": "--",
}


def escape(text: str) -> str:
    """The text as LaTeX prints it, in one line. `"` needs the T1 encoding, `'` and the backtick textcomp."""
    plain = " ".join(text.split())
    return re.sub(r"[{}]".format("".join(map(re.escape, SPECIAL))), lambda found: SPECIAL[found[0]], plain)


def page(tables: Sequence[Table], lines: Sequence[str]) -> str:
    """All tables, each a float of its own with what its numbers were made of (`lines`) below."""
    head = [r"% needs \usepackage{booktabs,textcomp} and \usepackage[T1]{fontenc}"]
    head += [f"% {' '.join(line.split())}" for line in lines]
    return "\n".join([*head, *(_table(table, lines) for table in tables)]) + "\n"


def _table(table: Table, lines: Sequence[str]) -> str:
    rows = [" & ".join([escape(name), *map(_cell, cells)]) + r" \\" for name, cells in table.rows]
    made = [rf"\footnotesize {escape(line)}\par" for line in (table.note, *lines)]
    return "\n".join(
        [
            "",
            r"\begin{table}",
            r"\centering",
            rf"\caption{{{escape(table.title)}}}",
            rf"\begin{{tabular}}{{l{'l' * (len(table.heads) - 1)}}}",
            r"\toprule",
            " & ".join(map(escape, table.heads)) + r" \\",
            r"\midrule",
            *rows,
            r"\bottomrule",
            r"\end{tabular}",
            r"\par\medskip\raggedright",
            *made,
            r"\end{table}",
        ]
    )


def _cell(cell: Cell) -> str:
    text = f"${cell.text}$" if re.fullmatch(r"[+-]?[\d.]+", cell.text) else escape(cell.text)
    return text + (rf" {{\small ${cell.interval}$}}" if cell.interval else "")
