"""Chance by row: what a row of a batch draws depends on seed, row and turn alone, not on the rows beside it.

So a batch may be cut into parts, on one process or on many, and dropout, masked bands and noise stay what they were.
A draw is a hash of (seed, row, turn, place in the row), so padding does not move it either, nor does the device.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor
from torch.overrides import TorchFunctionMode

_ALL = (1 << 64) - 1
_STEPS = (0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D, 0x27D4EB2F, 0x165667B1, 0xD3A2646D)  # odd, one for each axis

_running: list[ByRow] = []


class ByRow(TorchFunctionMode):
    """While it is entered, torch's dropout, `rand`, `randn` and `randint` draw row by row, whatever their generator.

    `rows` are the numbers of the rows in the whole batch. What is drawn must have them as its first axis, which may
    hold several places of each row, one row's after another's (windows of an image); anything else is drawn as ever.
    """

    def __init__(self, seed: int, rows: Sequence[int], *, turn: int = 0) -> None:
        super().__init__()
        self.seed = seed
        self.rows = np.asarray(rows, dtype=np.int64)
        self.turn = turn

    def __enter__(self) -> ByRow:
        _running.append(self)
        super().__enter__()  # type: ignore[no-untyped-call]
        return self

    def __exit__(self, *what: Any) -> None:
        _running.pop()
        super().__exit__(*what)  # type: ignore[no-untyped-call]

    def again(self) -> ByRow:
        """One that draws from here on what this one will: for work that is done a second time."""
        return ByRow(self.seed, self.rows, turn=self.turn)  # type: ignore[arg-type]

    def __torch_function__(
        self, function: Callable[..., Any], types: Any, args: Sequence[Any] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Takes the draws out of all that torch is asked for."""
        draw = _DRAWS.get(function)
        if draw is not None:
            made = draw(self, *args, **(kwargs or {}))
            if made is not None:
                return made
        return function(*args, **(kwargs or {}))

    def bits(self, shape: Sequence[int], device: torch.device | str | None) -> Tensor | None:
        """32 random bits (as int32) for each place, or None where the first axis is not the rows."""
        if not shape or not shape[0] or shape[0] % len(self.rows) or len(shape) > len(_STEPS):
            return None
        made = torch.from_numpy(self._keys()).to(device or "cpu")
        inner = (shape[0] // len(self.rows), *shape[1:])
        made = made.view(-1, *(1 for _ in inner))
        for axis, size in enumerate(inner):
            if size > 1:
                place = torch.arange(size, dtype=torch.int32, device=made.device) * _signed(_STEPS[axis])
                made = made + place.view(-1, *(1 for _ in inner[axis + 1 :]))
        return _mixed(made).expand(-1, *inner).reshape(tuple(shape))

    @torch.compiler.disable  # type: ignore[untyped-decorator]  # it counts turns, and numpy hashes them
    def _keys(self) -> NDArray[np.int32]:
        """A number for each row in this turn."""
        turn = _scrambled(np.uint64((self.seed * 0x9E3779B97F4A7C15 + self.turn) & _ALL))
        self.turn += 1
        keys = _scrambled(self.rows.astype(np.uint64) ^ turn)
        made: NDArray[np.int32] = (keys >> np.uint64(32)).astype(np.uint32).view(np.int32)
        return made


def running() -> ByRow | None:
    """The one that is entered now."""
    return _running[-1] if _running else None


def _scrambled(x: Any) -> Any:
    """The finaliser of splitmix64 (Steele et al. 2014)."""
    with np.errstate(over="ignore"):
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return x ^ (x >> np.uint64(31))


def _mixed(x: Tensor) -> Tensor:
    """A hash of int32 with little bias: every bit of the input moves every bit of the output."""
    for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B), (16, 1)):
        x = (x ^ ((x >> shift) & ((1 << (32 - shift)) - 1))) * _signed(factor)
    return x


def _signed(x: int) -> int:
    return x - (1 << 32) if x >= 1 << 31 else x


def _dropout(by: ByRow, input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor | None:  # noqa: A002, ARG001 - torch's names
    if not training or p == 0.0:
        return None
    if p >= 1.0:
        return input * 0.0
    drawn = by.bits(input.shape, input.device)
    if drawn is None:
        return None
    return input * ((drawn >= round((p - 0.5) * (1 << 32))) * (1.0 / (1.0 - p))).to(input.dtype)


def _attention(
    by: ByRow,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor | None:
    """Scaled dot product attention, step by step where it drops something, for torch's own draws inside."""
    if dropout_p == 0.0 or enable_gqa:
        return None
    scores = query @ key.transpose(-2, -1) * (1.0 / math.sqrt(query.shape[-1]) if scale is None else scale)
    if is_causal:
        attn_mask = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).tril()
    if attn_mask is not None and attn_mask.dtype == torch.bool:
        scores = scores.masked_fill(~attn_mask, -torch.inf)
    elif attn_mask is not None:
        scores = scores + attn_mask
    weights = scores.softmax(dim=-1)
    dropped = _dropout(by, weights, dropout_p)
    return None if dropped is None else dropped.to(value.dtype) @ value


def _unit(by: ByRow, shape: Sequence[int], device: torch.device | str | None) -> Tensor | None:
    """From 0 to below 1, in steps that float32 has."""
    drawn = by.bits(shape, device)
    return None if drawn is None else ((drawn >> 8) & 0xFFFFFF).float() * 2.0**-24


def _rand(by: ByRow, *size: Any, device: Any = None, dtype: Any = None, **_: Any) -> Tensor | None:
    made = _unit(by, _shape(size), device)
    return None if made is None else made.to(dtype or torch.get_default_dtype())


def _randn(by: ByRow, *size: Any, device: Any = None, dtype: Any = None, **_: Any) -> Tensor | None:
    first, second = (_unit(by, _shape(size), device) for _ in range(2))
    if first is None or second is None:
        return None
    made = (-2.0 * (1.0 - first).log()).sqrt() * (2.0 * math.pi * second).cos()  # Box & Muller 1958
    return made.to(dtype or torch.get_default_dtype())


def _randint(by: ByRow, *asked: Any, device: Any = None, dtype: Any = None, **_: Any) -> Tensor | None:
    *bounds, size = asked
    low, high = bounds if len(bounds) == 2 else (0, bounds[0])
    drawn = by.bits(_shape((size,)), device)
    if drawn is None:
        return None
    made: Tensor = low + (((drawn.long() & 0xFFFFFFFF) * (high - low)) >> 32)
    return made.to(dtype or torch.int64)


def _shape(size: tuple[Any, ...]) -> tuple[int, ...]:
    return tuple(size[0]) if len(size) == 1 and not isinstance(size[0], int) else size


_DRAWS: dict[Callable[..., Any], Callable[..., Tensor | None]] = {
    F.dropout: _dropout,
    F.scaled_dot_product_attention: _attention,
    torch.rand: _rand,
    torch.randn: _randn,
    torch.randint: _randint,
}
