"""`hark models`: lists the models and published checkpoints there are, tells about one, converts a file."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Annotated, Any

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]

app = typer.Typer(
    help="List recipes, models and published checkpoints (the same as `list`); tell about one; convert a file.",
    add_completion=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(invoke_without_command=True)
def _models(context: typer.Context, as_json: AsJson = False) -> None:
    if context.invoked_subcommand is None:
        list_models(as_json)


@app.command("list", short_help="All of them, one a line.")
def list_models(as_json: AsJson = False) -> None:
    """List the recipes, which of them come with weights, and the published checkpoints."""
    from hark import recipe as recipes
    from hark.checkpoints.rows import rows

    made: list[dict[str, Any]] = []
    for name in recipes.names():
        recipe = recipes.load(name)
        with_weights = recipes.find(name).with_suffix(".safetensors").is_file()
        made.append({"name": name, "kind": "weights" if with_weights else "recipe", "about": recipe.about})
    for row in rows():
        about = f"{row.tower}: {row.about}"
        made.append({"name": row.name, "kind": "unread" if row.unread else "published", "about": about})
    if as_json:
        typer.echo(json.dumps(made, indent=2))
        return
    width = max(len(entry["name"]) for entry in made)
    for entry in made:
        typer.echo(f"{entry['name']:<{width}}  {entry['kind']:<9}  {entry['about']}")


@app.command(short_help="Tell about one.")
def info(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A recipe, model or published checkpoint.")],
    as_json: AsJson = False,
) -> None:
    """Tell what a model is: towers, rate, dimension, windows, licence, where its weights come from."""
    from hark.checkpoints.rows import look
    from hark.core.errors import WeightsError
    from hark.runtime.load import architecture

    said: dict[str, Any] = {"name": name}
    row = look(name)
    if row is not None:
        said |= {key: value for key, value in dataclasses.asdict(row).items() if value is not None}
    try:
        recipe = architecture(name)
    except WeightsError as error:
        if row is None:
            raise
        said["recipe"] = str(error).removeprefix(f"{name}: ")
    else:
        audio = recipe.audio
        said.setdefault("about", recipe.about)
        said |= {"rate_hz": audio.rate_hz, "dim": recipe.size, "window_s": audio.window_s}
        said |= {"hop_s": audio.hop_s or audio.window_s / 2, "short": audio.short, "clip": audio.clip}
        said |= {"features": dict(audio.features), "audio_encoder": dict(audio.encoder), "audio_head": dict(audio.head)}
        if recipe.text is not None:
            said |= {"text_encoder": dict(recipe.text.encoder), "text_head": dict(recipe.text.head)}
        if recipe.compat is not None:
            said["compat"] = dict(recipe.compat)
        if recipe.published:
            said["published"] = dict(recipe.published)
    if as_json:
        typer.echo(json.dumps(said, indent=2))
        return
    for key, value in said.items():
        typer.echo(f"{key:<14} {json.dumps(value) if isinstance(value, dict) else value}")


@app.command(short_help="Turn a published file into one of ours.")
def convert(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A published file, or a Hugging Face folder.")],
    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="The folder to write to.")],
    like: Annotated[
        str | None, typer.Option(metavar="NAME", help="Which checkpoint it is, where its name does not tell.")
    ] = None,
    tokenizer: Annotated[
        Path | None, typer.Option(metavar="PATH", help="A tokenizer.json, or the folder it is in.")
    ] = None,
) -> None:
    """Read a published checkpoint safely, check every tensor, and write it as a model that `--model` takes."""
    from hark.checkpoints.convert import convert as convert_file
    from hark.checkpoints.obtain import identify
    from hark.checkpoints.rows import by_file, find
    from hark.core.errors import WeightsError

    if not file.exists():
        raise WeightsError(f"{file}: no such file")
    row = find(like) if like is not None else by_file(file.name)
    if row is not None and row.captioner is not None:
        from hark.caption import published as captioners

        out = to / f"{row.name.replace('/', '-')}.safetensors"
        captioners.convert(file, row, out, tokens=tokenizer)
        typer.echo(str(out))
        return
    published = identify(file, like=like)
    out = to / f"{published.recipe.name.replace('/', '-')}.safetensors"
    reads = convert_file(published, out, tokenizer=tokenizer)
    typer.echo(str(out))
    if not reads:
        typer.echo("hark: no tokenizer was found: it hears sounds and cannot read sentences; --tokenizer", err=True)
