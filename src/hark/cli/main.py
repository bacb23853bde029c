"""The command line: `hark COMMAND`; each command parses, calls one function and prints."""

from __future__ import annotations

import sys
from importlib.metadata import version
from typing import Annotated

import typer

from hark.cli import (
    caption,
    compare,
    data,
    demo,
    embed,
    ensemble,
    eval,  # noqa: A004
    index,
    models,
    probe,
    report,
    reproduce,
    rewrite,
    runs,
    search,
    submit,
    train,
    zeroshot,
)
from hark.core.errors import HarkError
from hark.core.memory import keep_freed_memory

app = typer.Typer(
    name="hark",
    help="Find sounds by describing them; train and evaluate the models that do it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for name, command, help_line in (
    ("demo", demo.demo, "Show the whole of hark, in a few minutes."),
    ("index", index.index, "Make a folder of sounds searchable."),
    ("search", search.search, "Find sounds by words, by an example, or both."),
    ("caption", caption.caption, "Say in words what is heard."),
    ("embed", embed.embed, "Write the vectors of sounds and sentences to a file."),
    ("ensemble", ensemble.ensemble, "Measure several models together."),
    ("eval", eval.evaluate, "Measure retrieval, both ways."),
    ("compare", compare.compare, "Compare two evaluations, query by query."),
    ("report", report.report, "Show evaluations on a page, with sounds."),
    ("reproduce", reproduce.reproduce, "Measure published numbers again."),
    ("rewrite", rewrite.rewrite, "Say queries in other words."),
    ("zeroshot", zeroshot.zeroshot, "Measure classification without training."),
    ("probe", probe.probe, "Measure a linear layer on frozen vectors."),
    ("train", train.train, "Train a recipe, or go on training it."),
):
    app.command(name, short_help=help_line)(command)
app.add_typer(data.app, name="data", short_help="List, fetch, prepare, pack and compare corpora.")
app.add_typer(models.app, name="models", short_help="List, explain and convert models and published checkpoints.")
app.add_typer(submit.app, name="submit", short_help="Write, check and score submissions to DCASE.")
app.add_typer(runs.app, name="runs", short_help="List, show, compare and plot what training wrote.")


@app.callback(invoke_without_command=True)
def _version(
    show: Annotated[bool, typer.Option("--version", help="Print hark's version and stop.")] = False,
) -> None:
    if show:
        print(f"hark {version('hark')}")  # noqa: T201
        raise typer.Exit


def main() -> None:
    """Runs a command; what a user can cause is one line on stderr and exit status 1, wrong usage is 2."""
    keep_freed_memory()
    try:
        app()
    except HarkError as error:
        print(f"hark: {error}", file=sys.stderr)  # noqa: T201
        sys.exit(1)
    except OSError as error:
        if error.filename is None:
            raise
        print(f"hark: {error.filename}: {error.strerror}; give another place, or make room there", file=sys.stderr)  # noqa: T201
        sys.exit(1)
    except KeyboardInterrupt:
        print("hark: interrupted; run the same command again to go on", file=sys.stderr)  # noqa: T201
        sys.exit(130)
