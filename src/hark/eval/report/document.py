"""A page that asks for nothing from outside, and in which nothing runs but its own script."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from html import escape
from pathlib import Path


def document(title: str, parts: Sequence[str], *, style: str = "", script: str | None = None) -> str:
    """The whole page: `parts` are HTML, `style` comes after the one that all pages have.

    `script` is the page's only one (that which plays sounds, unless given): the policy names its hash, so that a
    browser runs nothing else, whatever stands in the page.
    """
    run = beside(Path(__file__), "page.js") if script is None else script
    run = f"\n{run}"
    digest = base64.b64encode(hashlib.sha256(run.encode()).digest()).decode()
    policy = (
        "default-src 'none'; img-src data:; media-src data:; style-src 'unsafe-inline'; "
        f"script-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )
    return "\n".join(
        [
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
            '<link rel="icon" href="data:image/png," />',  # or a browser asks a server for one
            f"<title>{escape(title)}</title>",
            f"<style>\n{beside(Path(__file__), 'style.css')}{style}</style>\n</head>\n<body>\n<main>",
            *parts,
            f"</main>\n<script>{run}</script>\n</body>\n</html>\n",
        ]
    )


def beside(module: Path, name: str) -> str:
    """The text of a file beside a module."""
    return module.with_name(name).read_text(encoding="utf-8")
