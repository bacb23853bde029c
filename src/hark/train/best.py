"""The best weights of a stage by validation: which they are, and their average, of all or of those that help."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file
from torch import Tensor

from hark.core.files import write_aside, write_text
from hark.models.average import average, greedy
from hark.recipe import Stage
from hark.train.state import State


class Best:
    """The `stage.best` best weights, in files beside the run's state."""

    def __init__(self, out: Path, stage: Stage, state: State) -> None:
        self.folder = out / "best" / stage.name
        self.stage = stage
        self.state = state

    def offer(self, value: float) -> bool:
        """Takes the weights as they are now, if they are among the best; whether they are the very best so far."""
        kept = self.state.kept
        first = all(value > other for other, _ in kept)
        if len(kept) == self.stage.best and value <= min(kept)[0]:
            return False
        kept.append((value, self.state.step))
        kept.sort(key=lambda one: (-one[0], one[1]))
        del kept[self.stage.best :]
        if self.filed:
            with write_aside(self._file(self.state.step)) as aside:
                tensors = self.state.best_towers().state_dict()
                save_file({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}, aside)
        return first

    @property
    def filed(self) -> bool:
        """Whether the best weights are in files: there are several, or the next stage begins with them."""
        return self.stage.best > 1 or self.stage.onward == "best"

    def members(self) -> Iterator[dict[str, Tensor]]:
        """The best weights one after the other, the best first."""
        return (load_file(self._file(step)) for _, step in self.state.kept)

    def forget(self) -> None:
        """Removes the files of weights that are no longer among the best; call it when the state is saved."""
        if self.folder.is_dir():
            wanted = {self._file(step) for _, step in self.state.kept}
            for path in self.folder.glob("*.safetensors"):
                if path not in wanted:
                    path.unlink()

    def average(self, validate: Callable[[dict[str, Tensor]], float]) -> dict[str, Tensor]:
        """The mean of the best weights; of a greedy stage, of those that do not make it worse to `validate`."""
        steps = [step for _, step in self.state.kept]
        if self.stage.soup == "greedy":
            steps = self._chosen(validate)
        return self._mean(steps)

    def _chosen(self, validate: Callable[[dict[str, Tensor]], float]) -> list[int]:
        """The steps whose weights a greedy average has, the best first.

        Every average that was tried is written down with its value: a run that was stopped meanwhile tries none again.
        """
        kept = [list(one) for one in self.state.kept]
        file = self.folder / "soup.json"
        told: dict[str, Any] = {"metric": self.stage.metric, "kept": kept, "tried": []}
        if file.is_file():
            before = json.loads(file.read_text(encoding="utf-8"))
            told["tried"] = before["tried"] if before["kept"] == kept else []

        def value(places: tuple[int, ...]) -> float:
            steps = [self.state.kept[place][1] for place in places]
            for one in told["tried"]:
                if one["steps"] == steps:
                    return float(one["value"])
            found = validate(self._mean(steps))
            told["tried"].append({"steps": steps, "value": found})
            write_text(file, json.dumps(told, indent=2) + "\n")
            return found

        soup = greedy([value for value, _ in self.state.kept], value)
        steps = [self.state.kept[place][1] for place in soup.members]
        write_text(file, json.dumps({**told, "steps": steps, "value": soup.score}, indent=2) + "\n")
        return steps

    def _mean(self, steps: Sequence[int]) -> dict[str, Tensor]:
        return average(load_file(self._file(step)) for step in steps)

    def _file(self, step: int) -> Path:
        return self.folder / f"{step:08d}.safetensors"
