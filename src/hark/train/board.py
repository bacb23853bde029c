"""A run's metrics as TensorBoard event files, where tensorboard is installed or a stage asks for them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hark.core.errors import SettingError
from hark.recipe import Stage


class Board:
    """Writes numbers under names by step; what is written again after a stop takes the earlier one's place."""

    def __init__(self, out: Path, stage: Stage, *, step: int) -> None:
        """Into out/tensorboard/STAGE, from `step` on. Raises SettingError where tensorboard is not installed."""
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            raise SettingError(
                f"stage '{stage.name}': tensorboard: it is not installed; pip install tensorboard, or take it out"
            ) from None
        self._writer: Any = SummaryWriter(str(out / "tensorboard" / stage.name), purge_step=step)

    def write(self, step: int, numbers: Mapping[str, float]) -> None:
        """The numbers of a step."""
        for name, number in numbers.items():
            self._writer.add_scalar(name, number, step)

    def close(self) -> None:
        """What is still held goes to the disk."""
        self._writer.close()

    def flush(self) -> None:
        """What is still held goes to the disk, and more may come."""
        self._writer.flush()


def open_board(out: Path, stage: Stage, *, step: int) -> Board | None:
    """The stage's board; None where it wants none, or one where tensorboard is installed ("auto"), and it is not.

    Raises SettingError where it asks for one and tensorboard is not installed.
    """
    if not stage.tensorboard:
        return None
    try:
        return Board(out, stage, step=step)
    except SettingError:
        if stage.tensorboard == "auto":
            return None
        raise
