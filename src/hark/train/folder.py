"""A run's folder: its history, a line for each step, and the state that a stopped run goes on from."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError

from hark.core.errors import HarkError, WeightsError
from hark.core.files import write_aside, write_text
from hark.train import state

HISTORY, STATE, MODEL = "history.jsonl", "state.pt", "model.safetensors"


@contextlib.contextmanager
def writing(out: Path) -> Iterator[None]:
    """Makes one line of a full disk. Raises HarkError."""
    try:
        yield
    except (OSError, SafetensorError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise HarkError(
            f"{out}: cannot be written ({reason}); make room and run it again, it goes on from what was saved before"
        ) from None


def kept(out: Path, recipe_hash: str) -> dict[str, Any] | None:
    """The state of an earlier run in `out`, if there is one and it is of this recipe.

    Raises WeightsError.
    """
    if not (out / STATE).is_file():
        return None
    found = state.read(out / STATE)
    if found["recipe_hash"] != recipe_hash:
        raise WeightsError(
            f"{out}: holds a training of another recipe; choose another folder with --out, or delete {out / STATE}"
        )
    return found


def forget(out: Path, stage: str, step: int, *, earlier: Collection[str]) -> None:
    """Takes out of the history all that was done after the state was saved, at `step` of `stage`; it is done again.

    The stages `earlier` were finished before.
    """
    path = out / HISTORY
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True) if path.is_file() else []
    whole = [line for line in lines if line.endswith("\n")]  # the last one may have been cut off
    told = [json.loads(line) for line in whole]
    keep = [
        line
        for line, t in zip(whole, told, strict=True)
        if t["stage"] in earlier or (t["stage"] == stage and t["step"] < step)
    ]
    if lines:
        write_text(path, "".join(keep))


def result(out: Path, stage: str) -> Path:
    """Where the model is kept that a stage ended with, if a later one needs it."""
    return out.resolve() / "stages" / f"{stage}.safetensors"


def keep_result(out: Path, stage: str) -> None:
    """Keeps the model that a stage ended with, once: what lies there when a run goes on may be a later stage's."""
    path = result(out, stage)
    if not path.is_file():
        with write_aside(path) as aside:
            shutil.copyfile(out / MODEL, aside)


def append(out: Path, line: Mapping[str, Any]) -> None:
    """A step's line behind the others."""
    with (out / HISTORY).open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")
