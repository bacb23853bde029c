"""`hark runs`: the runs that training wrote; tells about one, compares some, draws their curves."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from hark.train.runs import Run

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Folder = Annotated[Path, typer.Argument(metavar="DIR", help="The folder of a run.")]
Folders = Annotated[list[Path], typer.Argument(metavar="DIR...", help="Runs, or folders with runs in them.")]

app = typer.Typer(
    help="List the runs of `hark train`; tell about one; compare some; draw their curves.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.command("list", short_help="All runs, one a line.")
def list_runs(
    places: Annotated[
        list[Path] | None, typer.Argument(metavar="[DIR...]", help="Where to look. Default: runs")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List runs: the recipe, the last stage and step, the best value of the metric that the stage goes by."""
    from hark.train import runs

    rows = []
    for folder in runs.find(places or [Path("runs")]):
        run = runs.read(folder)
        stage = run.stages[-1] if run.stages else None
        best = run.best(stage) if stage else None
        rows.append({
            "run": str(folder),
            "recipe": run.recipe,
            "stage": stage,
            "step": run.of(stage)[-1]["step"] + 1 if stage else 0,
            "metric": best.metric if best else None,
            "best": best.value if best else None,
            "at": best.step + 1 if best else None,
        })  # fmt: skip
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
    elif not rows:
        typer.echo("hark: no runs; `hark train` writes them", err=True)
    else:
        head = ["run", "recipe", "stage", "step", "metric", "best", "at step"]
        _table([head, *([_word(value) for value in row.values()] for row in rows)])


@app.command(short_help="Tell about one.")
def show(folder: Folder, as_json: AsJson = False) -> None:
    """Tell what a run is: recipe, weights, data, versions, commands; of each stage its steps, rates, best metrics."""
    from hark.train import provenance, runs

    run = runs.read(folder)
    made = provenance.latest(run.provenance)
    stages = {}
    for stage in run.stages:
        lines = run.of(stage)
        best = {name: run.best(stage, name) for name in run.metrics(stage)}
        stages[stage] = {
            "steps": lines[-1]["step"] + 1,
            "loss": lines[-1]["loss"],
            "best": {name: {"value": one.value, "step": one.step + 1} for name, one in best.items() if one},
            "resolved": made["stages"].get(stage, {}).get("resolved"),
            "data": {name: one for name, one in made["stages"].get(stage, {}).items() if name != "resolved"},
        }
    told = {
        "run": str(run.folder),
        "recipe": run.recipe,
        "recipe_hash": run.provenance.get("recipe_hash"),
        "weights": _weights(run.folder),
        "again": f"hark train {shlex.quote(str(run.folder / 'recipe.toml'))} --data DATA --out OUT",
        "starts": [{name: start.get(name) for name in ("command", "from", "device")} for start in made["starts"]],
        "init": made.get("init", {}),
        "versions": made.get("versions", run.made_by),
        "files": sorted(path.name for path in run.folder.iterdir() if path.is_file()),
        "stages": stages,
    }
    if as_json:
        typer.echo(json.dumps(told, indent=2))
        return
    for name in ("run", "recipe", "recipe_hash", "weights", "again"):
        typer.echo(f"{name:<12} {told[name]}")
    typer.echo(f"{'versions':<12} {', '.join(f'{name} {number}' for name, number in told['versions'].items())}")
    typer.echo(f"{'files':<12} {', '.join(told['files'])}")
    for start in told["starts"]:
        at = f"step {start['from']['step']} of {start['from']['stage']}" if start["from"] else "the beginning"
        typer.echo(f"{'started':<12} from {at}, on {start['device']}: {start['command'] or 'by a program'}")
    for part, one in told["init"].items():
        typer.echo(f"{'init':<12} {part}: {one['weights']}, {one.get('sha256') or one['tensors_sha256']}")
    for stage, said in stages.items():
        typer.echo(f"stage {stage}: {said['steps']} steps, last loss {said['loss']:.4f}")
        for rate in said["resolved"]["rates"] if said["resolved"] else ():
            typer.echo(f"    learning rate {rate['lr']:.4g}: {rate['parameters']:,} parameters")
        for name, one in said["best"].items():
            typer.echo(f"    {name} {one['value']:.4f} at step {one['step']}")
        for kind, corpora in said["data"].items():
            for corpus in corpora if isinstance(corpora, list) else []:
                typer.echo(f"    {kind}: {corpus['corpus']}, {corpus['clips']} clips, {corpus['ids']}")


@app.command(short_help="Metrics side by side with their mean, and the settings that differ.")
def compare(places: Folders, as_json: AsJson = False) -> None:
    """Put runs beside each other: the best of every metric in their last stages, and how their recipes differ.

    The mean stands behind what all have: of folds, or of seeds.
    """
    import statistics

    from hark.train import runs

    found = _read(places)
    last = [run.stages[-1] if run.stages else "" for run in found]
    names = dict.fromkeys(name for run, stage in zip(found, last, strict=True) for name in run.metrics(stage))
    best = {name: [_best(run, stage, name) for run, stage in zip(found, last, strict=True)] for name in names}
    steps = [run.of(stage)[-1]["step"] + 1 if stage else 0 for run, stage in zip(found, last, strict=True)]
    settings = runs.differences(found)
    there = {name: [value for value in values if value is not None] for name, values in best.items()}
    mean = {name: statistics.fmean(values) if len(values) == len(found) else None for name, values in there.items()}
    if as_json:
        told = {"runs": [str(run.folder) for run in found], "stages": last, "steps": steps}
        typer.echo(json.dumps({**told, "metrics": best, "mean": mean, "settings": settings}, indent=2))
        return
    rows: list[list[str]] = [["", *(str(run.folder) for run in found), "mean"]]
    rows.append(["recipe", *(run.recipe for run in found), ""])
    rows += [["stage", *last, ""], ["steps", *map(str, steps), ""]]
    rows += [[name, *(_word(value) for value in (*values, mean[name]))] for name, values in best.items()]
    rows += [[name, *(_word(value) for value in values), ""] for name, values in settings.items()]
    _table(rows)


@app.command(short_help="Their curves as a picture.")
def plot(
    places: Folders,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The PNG. Default: curves.png, in the run's folder if it is one."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Draw the loss and every validation metric of the runs into one PNG (needs `hark[report]`)."""
    from hark.train import curves

    found = _read(places)
    path = out or (found[0].folder / "curves.png" if len(found) == 1 else Path("curves.png"))
    curves.draw(found, path)
    typer.echo(json.dumps({"picture": str(path)}) if as_json else str(path))


@app.command(short_help="The average of several models.")
def average(
    models: Annotated[list[str], typer.Argument(metavar="RUN...", help="Runs, or files or names of models.")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="Where to write the model.")],
    greedy: Annotated[
        bool, typer.Option("--greedy", help="Leave out what makes the recipe's validation worse; needs its data.")
    ] = False,
    data: Annotated[Path, typer.Option(help="The folder that the recipe's relative paths start from.")] = Path(),
    as_json: AsJson = False,
) -> None:
    """Average the weights of runs of one architecture into one model: of all, or greedily (a model soup)."""
    from hark.core.files import refuse_unwritable
    from hark.core.provenance import command_line
    from hark.train.averaged import average_runs

    refuse_unwritable(out.parent)
    found = average_runs(models, out, data=data if greedy else None, command=command_line())
    if as_json:
        typer.echo(json.dumps({"model": str(out), **found.as_json()}, indent=2))
        return
    if found.values is not None:
        rows = [["run", found.metric or "", "in it"]]
        for place, (name, value) in enumerate(zip(found.names, found.values, strict=True)):
            rows.append([name, _word(value), "yes" if place in found.members else "no"])
        _table([*rows, ["average", _word(found.value), ""]])
    if found.made is not None:
        typer.echo(found.made.line(), err=True)
    typer.echo(str(out))


def _read(places: Sequence[Path]) -> list[Run]:
    from hark.core.errors import DataError
    from hark.train import runs

    found = [runs.read(folder) for folder in runs.find(places)]
    if not found:
        raise DataError(f"{places[0]}: no run in it; `hark train` writes them")
    return found


def _best(run: Run, stage: str, metric: str) -> float | None:
    best = run.best(stage, metric)
    return best.value if best is not None else None


def _word(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.4f}" if isinstance(value, float) else value if isinstance(value, str) else json.dumps(value)


def _table(rows: Sequence[Sequence[str]]) -> None:
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
    for row in rows:
        typer.echo("  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip())


def _weights(folder: Path) -> str | None:
    """The stamp of the run's result, as `hark eval` tells it; None where there is none yet."""
    from hark.core.files import sha256

    result = folder / "model.safetensors"
    return sha256(result)[:16] if result.is_file() else None
