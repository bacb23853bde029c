"""The page of tasks, docs/tasks.md, made from their files."""

from __future__ import annotations

from collections.abc import Sequence

from hark.eval.tasks import task as files
from hark.eval.tasks.board import published_means
from hark.eval.tasks.task import Task

INTRODUCTION = """\
# Tasks

A task is one file in `src/hark/tasks`; this page is made from these files. They are the 26 tasks on which Microsoft's
CLAP of 2023 was evaluated (arXiv:2309.05767, table 2), 16 of which make the average of its figure 1.

    hark zeroshot MODEL --all --data DIR              # what is below DIR; the rest is listed, with how to get it
    hark zeroshot MODEL --task esc50 --data DIR       # DIR/esc50: as published, or what `hark data prepare` wrote
    hark zeroshot MODEL --task esc50 --on clips.csv   # the same on clips of your own table
    hark zeroshot MODEL --task ./my.toml --data DIR   # a task of your own
    hark probe MODEL --on clips.csv --folds fold      # a linear layer on frozen vectors, tested fold by fold

Every number is a mean with a bootstrap interval over clips, and has its model, hashes and command beside it. What
differs from the published evaluation is noted in the table: fewer clips, fewer labels, some folds. The average over 16
tasks is called that only where all 16 ran and none has a note; the mean over those that ran is told apart from it. What
the papers do not say is marked "silent" in a task's file.

## How hark evaluates

All clips of the split are scored and none is left out; a file that cannot be read ends the evaluation. A clip is heard
whole: its vector is the mean of its windows', without random crops. Labels are put in words (`air_conditioner` is "air
conditioner") and in the prompts of the task's file; with several templates (`--template` more than once), a label's
vector is the mean of the unit vectors, scaled to length 1. Among equal scores a wrong label counts. Where a corpus has
folds, the metric is the mean of the folds' values.

## ESC-50: one checkpoint, five numbers

LAION's `clap-htsat-unfused` (`630k-audioset-best`) has five published accuracies on ESC-50 between 60.2 and 94.8:

| accuracy | by | on |
| --- | --- | --- |
| 94.76 | pymill, as quoted from MAEB | not said |
| 92.75 | README of LAION-AI/CLAP | fold 1; the original code and weights |
| 91.55 | pymill | all 2,000 clips, "This is a sound of {c}.", the weights on Hugging Face |
| 81.7 | MTEB, its results of 2026-08-20 | all 2,000 clips, MTEB's own wrapper |
| 60.2 | a user, LAION-AI/CLAP issue 133 | code of one's own, "The sound of the {c}" |

hark's is the mean over all five folds, 400 clips each, which is the accuracy over all 2,000: whole clips, all 50 labels
told apart, "this is the sound of {label}". One fold alone (`--fold 1`) is noted as such. `--prompts laion` words labels
as LAION did.

## How labels are decided on

One label for a clip ("classes"): the nearest. Several ("labels"): average precision needs no decision; for F1 each
clip is given its top label, or with `threshold` in the task's file all labels whose cosine is above it. MS-CLAP's
papers do not tell their way. SPIDEr is the mean of CIDEr-D and SPICE; SPICE is a Java program and is left out, so that
captioning (`--captioner`) shows CIDEr-D, BLEU and ROUGE-L.
"""

ODD = """\
Figure 1 has 0.428, 0.430, 0.431, 0.435, 0.454, 0.469 and 0.480 for the seven systems of table 1: the means of their
rows, cut or rounded, but for htsat22-clip's 0.469, which is not the mean of its row as the paper's text has it."""


def as_markdown(tasks: Sequence[Task] | None = None) -> str:
    """The page of all tasks, or of `tasks`: a table, the published means, and each task with its published numbers."""
    tasks = [files.load(name) for name in files.names()] if tasks is None else tasks
    lines = [INTRODUCTION, "## All tasks", ""]
    lines += ["| task | about | clips | labels | metric | in the average of |", "| --- | --- | --- | --- | --- | --- |"]
    for task in tasks:
        clips = "" if task.clips is None else f"{task.clips:,}"
        average = ", ".join(task.averages)
        lines.append(
            f"| [`{task.name}`](#{task.name}) | {task.about} | {clips} | {task.classes or ''} | {task.metric} "
            f"| {average} |"
        )
    for name in dict.fromkeys(name for task in tasks for name in task.averages):
        lines += ["", *_average(name, [task for task in tasks if name in task.averages])]
    for task in tasks:
        lines += ["", *_section(task)]
    return "\n".join(lines) + "\n"


def _average(name: str, tasks: Sequence[Task]) -> list[str]:
    lines = [f"## The average of {name}", "", f"The means of the published numbers of its {len(tasks)} tasks:", ""]
    lines += ["| system | mean |", "| --- | --- |"]
    lines += [f"| {system} | {mean:.4f} |" for system, mean in published_means(tasks).items()]
    if name == "figure 1":
        lines += ["", ODD]
    return lines


def _section(task: Task) -> list[str]:
    settings = ", ".join(
        f"{key} = {value!r}" for key, value in task.corpus.items() if key not in ("name", "path", "complete", "present")
    )
    corpus = f"Corpus `{task.corpus['name']}` in DIR/{task.corpus['path']}{f' ({settings})' if settings else ''}"
    lines = [f"## {task.name}", "", f"{task.about[0].upper()}{task.about[1:]}. {corpus}. {task.get}".rstrip()]
    if task.prompts:
        lines += [""] + [f"- {system}: {'; '.join(task.templates(system))}" for system in task.prompts]
    if task.published:
        lines += [
            "",
            f"Published ({task.source}):",
            "",
            "| system | metric | value | where |",
            "| --- | --- | --- | --- |",
        ]
        lines += [
            f"| {one.system} | {one.metric or task.metric} | {one.value:g} | {one.where} |" for one in task.published
        ]
    return lines
