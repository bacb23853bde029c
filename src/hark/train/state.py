"""The state of a training: what must be kept so that it goes on as if it had never stopped."""

from __future__ import annotations

import copy
import pickle
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from hark.core.errors import SettingError, WeightsError
from hark.core.files import write_aside
from hark.core.settings import suggest
from hark.models.towers import Towers
from hark.recipe import Stage
from hark.train import cut, norms, spread
from hark.train.joint import Embed
from hark.train.optim import optimiser
from hark.train.world import ALONE, World


@dataclass
class State:
    """Towers, optimiser, the running average of the weights (None without one), the next step, and what was found.

    `validations` are those of the stage so far, higher is better, with the steps they were made at; `kept` are those
    whose weights are kept as the best. No random state is kept: every step makes its own from (seed, step).
    """

    towers: Towers
    optimiser: torch.optim.Optimizer
    average: Towers | None
    step: int = 0
    validations: list[float] = field(default_factory=list)
    kept: list[tuple[float, int]] = field(default_factory=list)
    scaler: torch.amp.GradScaler | None = None  # of a stage in fp16
    world: World = ALONE
    sharded: Embed | None = None  # where the towers' tensors are cut into parts, what holds them
    whole: Towers | None = None  # ... and towers that they are put together in

    def best_towers(self) -> Towers:
        """The towers to validate and keep: the average where there is one.

        Where they are cut into parts, they are those of the last `assemble`, in the first process.
        """
        if self.whole is not None:
            return self.whole
        return self.average if self.average is not None else self.towers

    def assemble(self) -> None:
        """Puts the towers together for `best_towers`; for all processes together."""
        if self.whole is not None:
            tensors = spread.full((self.average or self.towers).state_dict(), self.world)
            if self.world.first:
                self.whole.load_state_dict(tensors, strict=True)

    def update_average(self, decay: float) -> None:
        """Moves the average towards the weights; early on faster, so that the random start is soon forgotten."""
        assert self.average is not None
        decay = min(decay, (1 + self.step) / (10 + self.step))
        new = self.towers.state_dict()
        for name, kept in self.average.state_dict().items():
            if kept.is_floating_point():
                _here(kept).lerp_(_here(new[name]), 1.0 - decay)
            else:
                kept.copy_(new[name])


def start(towers: Towers, stage: Stage, *, world: World = ALONE, sharded: bool = False) -> State:
    """The state before a stage's first step: parts named in `freeze` stop learning.

    All processes begin with the first one's weights; `sharded` cuts these into parts where there are several.

    Raises SettingError for a part that the towers do not have.
    """
    for parameter in towers.parameters():
        parameter.requires_grad_(True)
    parts = dict(towers.named_modules())
    for part in stage.freeze:
        if part not in parts:
            parts = dict(towers.named_children())
            raise SettingError(f"stage '{stage.name}': freeze: no part '{part}'; {suggest(part, parts)}")
        parts[part].requires_grad_(False)
    towers.to(world.device)
    world.share_weights(towers)
    norms.join(towers, world)
    average = copy.deepcopy(towers).requires_grad_(False) if stage.average is not None else None
    state = State(towers=towers, optimiser=None, average=average, world=world)  # type: ignore[arg-type]
    if stage.precision == "fp16":
        state.scaler = torch.amp.GradScaler(world.device.type)
    if sharded and world.size > 1:
        state.whole = copy.deepcopy(towers).cpu()
        state.sharded = Embed(towers, stage)
        # What sentences are compared with (`alike`) is asked outside of a step, and does not learn: it stays whole.
        apart = towers.text_encoder.parameters() if stage.alike is not None else ()
        spread.shard(state.sharded, world, apart=apart)
        if average is not None:
            spread.shard(Embed(average, stage), world, apart=average.text_encoder.parameters() if apart else ())
    state.optimiser = optimiser(towers, stage)
    if state.sharded is not None:
        for group in state.optimiser.param_groups:
            group["foreach"] = group["fused"] = False  # a group may hold tensors that are cut and such that are not
    return state


def save(path: Path, state: State, *, stage: int, recipe_hash: str) -> None:
    """Writes the state, whole or not at all: tensors and plain values only, so that reading it runs no code.

    For all processes together; the first one writes. Where tensors are cut into parts every process writes its own, to
    a folder beside the file, which names it and is written last. Nothing tells how many they were.

    Raises OSError where it cannot be written.
    """
    kept: dict[str, Any] = {
        "scaler": state.scaler.state_dict() if state.scaler is not None else None,
        "step": state.step,
        "stage": stage,
        "recipe_hash": recipe_hash,
        "validations": list(state.validations),
        "kept": [list(one) for one in state.kept],
    }
    if state.sharded is None:
        kept |= {"towers": state.towers.state_dict(), "optimiser": state.optimiser.state_dict()}
        kept["average"] = state.average.state_dict() if state.average is not None else None
    else:
        folder = path.with_name(f"{path.stem}-{stage}-{state.step:08d}")
        cut.write(folder, _named(state))
        kept |= {"towers": None, "average": None, "parts": folder.name}
        kept["optimiser"] = {"param_groups": state.optimiser.state_dict()["param_groups"]}
    if not state.world.first:
        return
    with write_aside(path) as aside, aside.open("wb") as file:
        try:
            torch.save(kept, file)
        except RuntimeError as error:  # what torch makes of a full disk
            raise OSError(str(error).splitlines()[0]) from None
    for old in path.parent.glob(f"{path.stem}-*-*"):
        if old.name != kept.get("parts") and old.is_dir():
            shutil.rmtree(old, ignore_errors=True)


def read(path: Path) -> dict[str, Any]:
    """What `save` wrote.

    Raises WeightsError.
    """
    try:
        found: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        if not isinstance(found, dict) or not found.keys() >= {"towers", "optimiser", "average", "recipe_hash"}:
            raise ValueError("it holds something else")
        if "parts" in found:
            found["parts"] = path.parent / Path(found["parts"]).name
            cut.sizes(found["parts"])
    except (OSError, RuntimeError, pickle.UnpicklingError, EOFError, ValueError, KeyError) as error:
        raise _unreadable(path, error) from None
    return found


def restore(state: State, kept: dict[str, Any]) -> None:
    """Puts a kept state into fresh towers and optimiser; for all processes together.

    Raises WeightsError where the parts that it names cannot be read.
    """
    if "parts" in kept:
        kept = {**kept, **_from_parts(state, kept["parts"], kept["optimiser"]["param_groups"])}
    for towers, name in ((state.towers, "towers"), (state.average, "average")):
        if towers is not None:
            places = towers.state_dict()
            tensors: dict[str, Tensor] = {n: spread.part_of(t, places.get(n, t)) for n, t in kept[name].items()}
            towers.load_state_dict(tensors, strict=True)
    _restore_optimiser(state.optimiser, kept["optimiser"])
    if state.scaler is not None and kept.get("scaler"):
        state.scaler.load_state_dict(kept["scaler"])
    state.step = kept["step"]
    state.validations = list(kept["validations"])
    state.kept = [(float(value), int(step)) for value, step in kept["kept"]]


def _named(state: State) -> dict[str, Tensor]:
    """All tensors of a state by "towers/NAME", "average/NAME" and "optimiser/NUMBER/NAME"."""
    named = {f"towers/{name}": tensor for name, tensor in state.towers.state_dict().items()}
    if state.average is not None:
        named |= {f"average/{name}": tensor for name, tensor in state.average.state_dict().items()}
    for number, values in state.optimiser.state_dict()["state"].items():
        named |= {f"optimiser/{number}/{name}": value for name, value in values.items()}
    return named


def _from_parts(state: State, folder: Path, groups: list[dict[str, Any]]) -> dict[str, Any]:
    """The tables that `save` wrote in parts, cut as this state's own tensors are."""
    parameters = [parameter for group in state.optimiser.param_groups for parameter in group["params"]]
    like = {name: tensor for name, tensor in _named(state).items() if not name.startswith("optimiser/")}
    named: dict[str, Tensor] = {}
    tables: dict[str, Any] = {"towers": {}, "average": {}, "optimiser": {"state": {}, "param_groups": groups}}
    try:
        for name, (size, kind) in cut.sizes(folder).items():
            table, _, rest = name.partition("/")
            if table == "optimiser":
                number, _, value = rest.partition("/")
                same = parameters[int(number)]
                made = torch.zeros_like(same) if same.shape == size else torch.zeros(size, dtype=kind)
                tables[table]["state"].setdefault(int(number), {})[value] = made.detach()
            else:
                made = torch.zeros_like(like[name]) if name in like else torch.zeros(size, dtype=kind)
                tables[table][rest] = made.detach()
            named[name] = made.detach()
        cut.read(folder, named)
    except (OSError, RuntimeError, ValueError, KeyError, IndexError) as error:
        raise _unreadable(folder, error) from None
    return tables


def _unreadable(path: Path, error: Exception) -> WeightsError:
    reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    return WeightsError(f"{path}: cannot be read as a training's state ({reason}); delete it to begin again")


def _restore_optimiser(optimiser: torch.optim.Optimizer, kept: dict[str, Any]) -> None:
    """Its state, cut into parts where its parameters are."""
    parameters = [parameter for group in optimiser.param_groups for parameter in group["params"]]
    state = {
        number: {
            name: spread.part_of(value, parameters[number])
            if isinstance(value, Tensor) and value.shape == parameters[number].shape
            else value
            for name, value in values.items()
        }
        for number, values in kept["state"].items()
    }
    # How it is computed is this run's own.
    ways = [{name: group[name] for name in ("foreach", "fused") if name in group} for group in optimiser.param_groups]
    groups = [{**group, **way} for group, way in zip(kept["param_groups"], ways, strict=True)]
    optimiser.load_state_dict({**kept, "param_groups": groups, "state": state})


def _here(tensor: Tensor) -> Tensor:
    """The part of a tensor that this process has."""
    part: Tensor = tensor.to_local() if hasattr(tensor, "to_local") else tensor
    return part
