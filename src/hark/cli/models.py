"""`hark models`: lists the recipes and models there are."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from hark import recipe as recipes


def models(as_json: Annotated[bool, typer.Option("--json", help="One JSON list.")] = False) -> None:
    """List the recipes, and which of them come with weights."""
    rows = []
    for name in recipes.names():
        recipe = recipes.load(name)
        rows.append(
            {"name": name, "weights": recipes.find(name).with_suffix(".safetensors").is_file(), "about": recipe.about}
        )
    if as_json:
        print(json.dumps(rows, indent=2))  # noqa: T201
        return
    for row in rows:
        print(f"{row['name']:<12} {'weights' if row['weights'] else 'recipe ':<8} {row['about']}")  # noqa: T201
