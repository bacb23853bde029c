"""`hark zeroshot`: how well a model tells labels apart that it was never trained on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hark.cli.eval import AsJson, ModelName, Where, progress_bar, show

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hark.eval.classification import Classification
    from hark.eval.tasks.board import Average, Board, Result
    from hark.eval.tasks.task import Task
    from hark.eval.zeroshot import ZeroshotReport

REFERENCE = "msclap-2023/htsat22-gpt2"
"""The system whose published numbers stand in the table; `--json` and docs/tasks.md have all."""


def zeroshot(
    model: ModelName,
    on: Annotated[
        Path | None,
        typer.Option("--on", metavar="MANIFEST", help="The clips: a .jsonl manifest, or a .csv with a `file` column."),
    ] = None,
    where: Where = None,
    task: Annotated[
        list[str] | None,
        typer.Option("--task", metavar="NAME", help="A task ('esc50'), or the .toml file of one; repeatable."),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Every task, by name.")] = False,
    data: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="The corpora, each in a folder of its name, as published or prepared."),
    ] = None,
    fold: Annotated[
        list[str] | None, typer.Option("--fold", metavar="N", help="Only this fold of the task; repeatable.")
    ] = None,
    prompts: Annotated[
        str | None,
        typer.Option(metavar="SYSTEM", help="Word labels as they did: microsoft-2023, microsoft-2022 or laion."),
    ] = None,
    template: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TEMPLATE", help='How a label is worded, as "the sound of {label}"; several are averaged.'
        ),
    ] = None,
    captioner: Annotated[
        str | None, typer.Option(metavar="NAME", help="What describes sounds, for the tasks of captioning.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Measure classification without training: each clip gets the label whose sentences are nearest to it.

    With --on alone the clips' labels are told apart. With --task or --all the tasks of docs/tasks.md are run, with
    their prompts and metrics: those whose corpora lie below --data (or the one, on the clips of --on); what is missing
    is listed. The exit status is 1 where a task that was named could not run.
    """
    if every and task:
        raise typer.BadParameter("give --task or --all, not both")
    if on is None and not (every or task):
        raise typer.BadParameter("give --on MANIFEST, or --task NAME or --all with --data DIR")
    if not (every or task):
        if data is not None or fold or prompts or captioner:
            raise typer.BadParameter("--data, --fold, --prompts and --captioner belong to --task and --all")
        assert on is not None
        _on_manifest(model, on, where, template, as_json)
        return
    if on is not None and (every or len(task or []) != 1):
        raise typer.BadParameter("--on stands in the place of one task's corpus; give one --task with it")
    if on is None and data is None:
        raise typer.BadParameter("give --data DIR, the folder of the corpora")
    if on is None and where:
        raise typer.BadParameter("--where chooses clips of --on; the task says which clips of a corpus it takes")
    _on_tasks(model, task or [], on, where, data, fold or [], prompts, template or [], captioner, as_json)


def _on_manifest(model: str, on: Path, where: list[str] | None, template: list[str] | None, as_json: bool) -> None:
    import numpy as np

    from hark.core.provenance import command_line
    from hark.data import manifest
    from hark.eval.zeroshot import classify
    from hark.runtime.ensemble import load_any
    from hark.text.prompts import TEMPLATES

    clips = manifest.read(on, where=manifest.parse_where(where or []))
    with progress_bar("embedding clips") as progress:
        rng = np.random.default_rng(0)  # fixed, so that the same run prints the same intervals
        report = classify(
            load_any(model), clips, templates=template or TEMPLATES, rng=rng, command=command_line(), progress=progress
        )
    typer.echo(json.dumps(report.as_json(), indent=2) if as_json else _text(report, on))


def _on_tasks(
    model: str,
    named: Sequence[str],
    on: Path | None,
    where: list[str] | None,
    data: Path | None,
    folds: Sequence[str],
    prompts: str | None,
    templates: Sequence[str],
    captioner: str | None,
    as_json: bool,
) -> None:
    from hark.caption import file as captioners
    from hark.core.provenance import command_line
    from hark.data import manifest
    from hark.eval.tasks import run as task_run
    from hark.eval.tasks import task as tasks
    from hark.runtime.ensemble import load_any

    asked: list[Task] = [tasks.load(name) for name in dict.fromkeys(named or tasks.names())]
    settings = task_run.Settings(
        data=None if data is None else data.expanduser(),
        clips=None if on is None else manifest.read(on, where=manifest.parse_where(where or [])),
        folds=tuple(folds),
        prompts=prompts,
        templates=tuple(templates),
        command=command_line(),
    )
    speaks = None if captioner is None else captioners.load(captioner)
    with progress_bar("embedding clips") as progress:
        board = task_run.run(load_any(model), asked, settings, captioner=speaks, progress=progress)
    typer.echo(json.dumps(board.as_json(), indent=2) if as_json else _board(board, model))
    if named and board.cannot:
        raise typer.Exit(1)


def _board(board: Board, model: str) -> str:
    lines = []
    if board.results:
        rows: list[tuple[str, ...]] = [("task", "clips", "labels", "metric", model, "published*", "")]
        rows += [row for result in board.results for row in _rows(result)]
        lines += [*_columns(rows), ""]
        if len(board.results) == 1:
            lines += [*_published(board.results[0].task), ""]
        else:
            lines += [line for average in board.averages for line in _average(average)]
        lines += [
            f"[low, high]: {board.level:.0%} bootstrap interval over clips",
            f"*: {REFERENCE}; all published numbers, and where they stand, are in docs/tasks.md and in --json",
            *(f"{result.task.name}: {result.made.line()}" for result in board.results),
        ]
    if board.cannot:
        lines += [""] * bool(lines) + ["did not run"]
        lines += [f"  {one.task.name}: cannot: {one.why}\n    {one.get}" for one in board.cannot]
    return "\n".join(lines)


def _rows(result: Result) -> list[tuple[str, ...]]:
    """The task's own metric, and the others that somebody published a number in; of captions all."""
    task = result.task
    others = [one.metric for one in task.published if one.metric is not None]
    shown: list[str] = [task.metric, *others, *(result.metrics if task.kind == "captioning" else [])]
    rows: list[tuple[str, ...]] = []
    for metric in dict.fromkeys(shown):
        first = metric == shown[0]
        said = task.reported(REFERENCE, metric)
        rows.append(
            (
                task.name if first else "",
                f"{result.clips:,}" if first else "",
                str(result.labels or "") if first else "",
                metric,
                show(result.metrics[metric]) if metric in result.metrics else "cannot",
                "" if said is None else f"{said.value:.3f}",
                "; ".join(result.notes) if first else "",
            )
        )
    return rows


def _published(task: Task) -> list[str]:
    lines = [f"published of {task.name} ({task.source}):"] if task.published else []
    return lines + [
        f"  {one.value:.3f}  {one.metric or task.metric}: {one.system}, {one.where}" for one in task.published
    ]


def _average(average: Average) -> list[str]:
    told = f"mean over {len(average.tasks)} of the {average.of} tasks of {average.name}: {show(average.value)}"
    if average.whole:
        compared = "the published average's own tasks, all of them"
    elif len(average.tasks) == average.of:
        compared = "all its tasks, but not all as published: see the notes"
    else:
        compared = "not the published average, which has the others as well"
    published = [f"  {value:.3f}  {system}, over the same tasks" for system, value in average.published.items()]
    return [f"{told} ({compared})", *published, ""]


def _text(report: ZeroshotReport, on: Path) -> str:
    found = report.found
    heading = f"{report.made.model} on {on}: {found.clips} clips, {found.labels} labels"
    return "\n".join([heading, "", *found_lines(found), "", report.made.line()])


def found_lines(found: Classification) -> list[str]:
    """The metrics, the hardest labels and what was confused, as lines of text."""
    lines = [f"{name:<9} {show(estimate)}" for name, estimate in found.metrics().items() if name != "micro F1"]
    if found.multi_label:
        lines.append(f"micro F1  {show(found.micro_f1)}")
    over = f", mean of {len(found.folds)} folds" if len(found.folds) > 1 else ""
    lines += ["", f"[low, high]: {found.level:.0%} bootstrap interval over clips{over}"]
    if found.multi_label:
        lines.append("clips have several labels: accuracy asks whether the top label is one of the clip's")
    hardest = sorted(found.per_label.items(), key=lambda entry: entry[1])[:10]
    width = max(len(label) for label in found.per_label)
    lines += ["", "hardest labels", *(f"  {label.ljust(width)}  {accuracy:.3f}" for label, accuracy in hardest)]
    if found.confusions:
        lines += ["", "most often confused"]
        lines += [
            f"  {c.label.ljust(width)}  taken for {c.taken_for.ljust(width)}  {c.count}" for c in found.confusions
        ]
    return lines


def _columns(rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
