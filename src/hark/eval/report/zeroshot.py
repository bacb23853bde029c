"""What `hark zeroshot --json` printed, as HTML."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

from hark.core.errors import DataError
from hark.eval.provenance import Provenance
from hark.eval.report import bars, figures
from hark.eval.report.evaluation import ZEROSHOT
from hark.metrics.confidence import Estimate

NAMES = {
    "accuracy": "accuracy",
    "mean_average_precision": "mAP",
    "macro_f1": "macro F1",
    "micro_f1": "micro F1",
}
"""As the JSON of one manifest's clips calls them, and as a table does."""


def section(told: Mapping[str, Any], *, place: str) -> tuple[str, list[str]]:
    """The HTML, and the lines that say what its numbers were made of. Raises DataError, which names `place`."""
    try:
        if "tasks" in told:
            rows = [row for task in told["tasks"] for row in _task(task)]
            lines = [f"zero-shot {task['task']}: {Provenance(**task['made']).line()}" for task in told["tasks"]]
            return _table(("task", "clips", "metric", "value"), rows), lines
        shown = [(name, _estimate(told[key])) for key, name in NAMES.items()]
        rows = [(name, _figure(name, value)) for name, value in shown if name != "micro F1" or told["multi_label"]]
        about = f"{figures.count(told['clips'], 'clip', 'clips')}, {told['labels']} labels; "
        about += f"[low, high]: {float(told['level']):.0%} bootstrap interval over clips. Sentences: "
        about += "; ".join(map(str, told["templates"]))
        labels = {str(label): float(value) for label, value in told["per_label"].items()}
        parts = [f'<p class="soft">{escape(about)}</p>', _table(("", ""), rows)]
        parts += ["<h4>Accuracy by label</h4>", bars.bars({label: (value,) for label, value in labels.items()})]
        confused = [
            (escape(str(one["label"])), escape(str(one["taken_for"])), f"{int(one['count']):,}")
            for one in told["confusions"]
        ]
        if confused:
            parts += ["<h4>Most often confused</h4>", _table(("label", "taken for", "clips"), confused)]
        return "\n".join(parts), [f"zero-shot: {Provenance(**told['made']).line()}"]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataError(f"{place}/{ZEROSHOT}: not a report of `hark zeroshot --json`; write it again") from error


def _task(task: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    for metric, value in task["metrics"].items():
        yield escape(task["task"]), f"{int(task['clips']):,}", escape(metric), _figure(metric, _estimate(value))


def _estimate(told: Mapping[str, Any]) -> Estimate:
    return Estimate(float(told["value"]), float(told["low"]), float(told["high"]))


def _figure(metric: str, value: Estimate) -> str:
    return f"<b>{figures.value(metric, value.value)}</b> <small>{figures.interval(metric, value)}</small>"


def _table(heads: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    top = "".join(f"<th>{head}</th>" for head in heads)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f'<div class="scroll"><table><tr>{top}</tr>{body}</table></div>'
