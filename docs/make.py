"""Writes the pages that are made from the code: the command line's help and the table of components.

Run `python docs/make.py` after changing either; `--check` (as the tests do) writes nothing and fails if a page is old.
"""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

from hark import recipe as recipes
from hark.checkpoints.rows import rows
from hark.core import component
from hark.data.catalogue import as_markdown
from hark.eval.tasks.page import as_markdown as tasks_as_markdown
from hark.recipe import captioner, ensemble

DOCS = Path(__file__).parent
KINDS = {
    "audio.features": "front end",
    "models.audio": "audio tower",
    "models.text": "text tower",
    "models.heads": "head",
    "models.renames": "published family",
    "runtime.compat": "original's way",
    "losses": "loss",
    "train.optimisers": "optimiser",
    "train.schedules": "schedule",
    "data.corpora": "corpus",
    "text.rewrites": "rewriter",
    "text.spelling": "caption's spelling",
    "metrics.combine": "combination",
    "metrics.rescore": "hub correction",
    "eval.rerankers": "second look",
    "models.captioning.encoders": "captioner's encoder",
    "models.captioning.decoders": "captioner's decoder",
}


def help_of(*command: str) -> str:
    """What `hark COMMAND --help` prints on a terminal of 100 columns."""
    code = "import sys; sys.argv[0] = 'hark'; from hark.cli.main import main; main()"
    settings = os.environ | {"COLUMNS": "100", "TERMINAL_WIDTH": "100", "NO_COLOR": "1"}
    words = [sys.executable, "-c", code, *command, "--help"]
    return subprocess.run(words, capture_output=True, text=True, check=True, env=settings).stdout.rstrip()  # noqa: S603


def cli_page() -> str:
    """docs/cli.md."""
    overview = help_of()
    commands = [line.split()[0] for line in overview.split("Commands:\n")[1].splitlines() if line.strip()]
    parts = ["# The command line", "", "Made from `--help` by `make docs`.", "", "```", overview, "```"]
    for command in commands:
        said = help_of(command)
        parts += ["", f"## hark {command}", "", "```", said, "```"]
        if "\nCommands:\n" in said:
            for below in [line.split()[0] for line in said.split("Commands:\n")[1].splitlines() if line.strip()]:
                parts += ["", f"### hark {command} {below}", "", "```", help_of(command, below), "```"]
    return "\n".join(parts) + "\n"


def components_page() -> str:
    """docs/components.md."""
    made = "Made from the code by `make docs`. A component is one file, and the file's name is its name in a recipe."
    lines = ["# Components and recipes", "", made, ""]
    lines += ["| kind | name | what it is |", "|---|---|---|"]
    for kind, words in KINDS.items():
        for name in component.names(kind):
            file = component.PACKAGE.joinpath(*kind.split("."), f"{name}.py")
            first = (ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or "").splitlines()[0]
            lines.append(f"| {words} | `{name}` | {first} |")
    lines += ["", "| recipe | weights | about |", "|---|---|---|"]
    for name in recipes.names():
        with_weights = recipes.find(name).with_suffix(".safetensors").is_file()
        published = [f"`{row.name}`" for row in rows() if row.recipe == name]
        where = "yes" if with_weights else ", ".join(published) or "train it"
        lines.append(f"| `{name}` | {where} | {recipes.load(name).about} |")
    lines += ["", "| captioner | about |", "|---|---|"]
    lines += [f"| `{name}` | {captioner.load(name).about} |" for name in captioner.names()]
    lines += ["", "| ensemble | about |", "|---|---|"]
    lines += [f"| `{name}` | {ensemble.load(name).about} |" for name in ensemble.names()]
    return "\n".join(lines) + "\n"


def checkpoints_page() -> str:
    """docs/checkpoints.md."""
    made = "Made by `make docs` from the rows in `src/hark/checkpoints`. `hark.load(NAME)` fetches and converts one."
    lines = ["# Published checkpoints", "", made, ""]
    lines += ["How each is heard, and where that differs from the original: [published.md](published.md).", ""]
    lines += ["| name | towers | Hz | numbers | from | licence |", "|---|---|---|---|---|---|"]
    for row in rows():
        address = row.address or (f"your file `{row.file}`" if row.file else "your file")
        source = f"not loaded: {row.unread}" if row.unread else address
        lines.append(
            f"| `{row.name}` | {row.tower}; {row.about} | {row.rate_hz} | {row.dim or ''} | {source} | {row.licence} |"
        )
    return "\n".join(lines) + "\n"


def corpora_page() -> str:
    """docs/corpora.md."""
    return as_markdown()


def tasks_page() -> str:
    """docs/tasks.md."""
    return tasks_as_markdown()


PAGES = {
    "corpora.md": corpora_page,
    "cli.md": cli_page,
    "components.md": components_page,
    "checkpoints.md": checkpoints_page,
    "tasks.md": tasks_page,
}


def main() -> int:
    """Writes the pages, or with --check says which are old."""
    old = [name for name, page in PAGES.items() if _read(DOCS / name) != page()]
    if "--check" in sys.argv[1:]:
        for name in old:
            print(f"docs/{name} is not what the code says; run `make docs`", file=sys.stderr)  # noqa: T201
        return 1 if old else 0
    for name in old:
        (DOCS / name).write_text(PAGES[name](), encoding="utf-8")
        print(f"wrote docs/{name}")  # noqa: T201
    return 0


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""


if __name__ == "__main__":
    sys.exit(main())
