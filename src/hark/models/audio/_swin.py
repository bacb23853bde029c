"""Swin transformer: attention within windows that shift from block to block (Liu et al. 2021, sections 3.1 and 3.2).

Parameters have the names of the original Swin and HTS-AT code, as every published checkpoint has.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_APART = -100.0  # added where two tokens of a shifted window are no neighbours; the original's number


class Stage(nn.Module):
    """Blocks at one resolution, every other one shifted by half a window; then 2 x 2 tokens become one, twice as wide.

    `side` is the map's height and width in tokens, `merge` False leaves out the last step (in the last stage).
    """

    def __init__(
        self, dim: int, *, side: int, heads: int, window: int, mlp_ratio: float, drop_path: list[float], merge: bool
    ) -> None:
        super().__init__()
        window = min(window, side)
        shifts = [window // 2 if index % 2 and window < side else 0 for index in range(len(drop_path))]
        self.blocks = nn.Sequential(
            *(
                Block(dim, side=side, heads=heads, window=window, shift=shift, mlp_ratio=mlp_ratio, drop_path=drop)
                for shift, drop in zip(shifts, drop_path, strict=True)
            )
        )
        self.downsample = Merge(dim) if merge else None

    def forward(self, x: Tensor) -> Tensor:
        """(batch, side, side, dim) -> the same, or (batch, side / 2, side / 2, 2 dim)."""
        x = self.blocks(x)
        return x if self.downsample is None else self.downsample(x)


class Block(nn.Module):
    """Window attention, then two layers with a GELU, each behind a norm and added to its input.

    `drop_path` is the probability, in training, that a row skips a step (Huang et al. 2016).
    """

    def __init__(
        self, dim: int, *, side: int, heads: int, window: int, shift: int, mlp_ratio: float, drop_path: float
    ) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(dim)
        self.attn = WindowAttention(dim, side=side, heads=heads, window=window, shift=shift)
        self.norm2 = nn.LayerNorm(dim)
        self.mlp = Mlp(dim, hidden=int(dim * mlp_ratio))
        self.drop_path = drop_path

    def forward(self, x: Tensor) -> Tensor:
        """(batch, side, side, dim) -> the same shape."""
        x = x + self._sometimes(self.attn(self.norm1(x)))
        return x + self._sometimes(self.mlp(self.norm2(x)))

    def _sometimes(self, step: Tensor) -> Tensor:
        if not self.training or self.drop_path == 0.0:
            return step
        kept = torch.rand(len(step), 1, 1, 1, device=step.device) >= self.drop_path
        return step * kept.to(step.dtype) / (1.0 - self.drop_path)


class Mlp(nn.Module):
    """Linear, GELU, linear."""

    def __init__(self, dim: int, *, hidden: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(dim, hidden)
        self.fc2 = nn.Linear(hidden, dim)

    def forward(self, x: Tensor) -> Tensor:
        """(..., dim) -> (..., dim)."""
        out: Tensor = self.fc2(F.gelu(self.fc1(x)))
        return out


class WindowAttention(nn.Module):
    """Attention among the tokens of each window, with a learned number for every head and relative position.

    With `shift` the map is rolled first, so that windows reach over the former borders; tokens that only the rolling
    brought together do not see each other.
    """

    relative_position_index: Tensor
    attn_mask: Tensor | None

    def __init__(self, dim: int, *, side: int, heads: int, window: int, shift: int) -> None:
        super().__init__()
        self.heads, self.window, self.shift, self.across = heads, window, shift, side // window
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)
        self.relative_position_bias_table = nn.Parameter(torch.empty((2 * window - 1) ** 2, heads))
        nn.init.trunc_normal_(self.relative_position_bias_table, std=0.02)
        # Not saved with the weights: both follow from the sizes.
        self.register_buffer("relative_position_index", relative_positions(window), persistent=False)
        mask = shifted_mask(side, window=window, shift=shift) if shift else None
        self.register_buffer("attn_mask", mask, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, side, side, dim) -> the same shape."""
        if self.shift:
            x = x.roll((-self.shift, -self.shift), dims=(1, 2))
        batch, side, _, dim = x.shape
        across, window, tokens = self.across, self.window, self.window**2
        x = x.view(batch, across, window, across, window, dim).transpose(2, 3).reshape(batch, -1, tokens, dim)
        parts = self.qkv(x).view(batch, across**2, tokens, 3, self.heads, -1).permute(3, 0, 1, 4, 2, 5).flatten(2, 3)
        # Windows and heads lie in one axis, so that one bias for both serves the whole batch.
        out: Tensor = _attention(parts[0], parts[1], parts[2], self._bias())
        out = out.view(batch, across**2, self.heads, tokens, -1).transpose(2, 3).reshape(batch, -1, tokens, dim)
        out = self.proj(out).view(batch, across, across, window, window, dim)
        out = out.transpose(2, 3).reshape(batch, side, side, dim)
        return out.roll((self.shift, self.shift), dims=(1, 2)) if self.shift else out

    def _bias(self) -> Tensor:
        """(1, windows x heads, tokens, tokens)."""
        tokens = self.window**2
        bias = self.relative_position_bias_table[self.relative_position_index].view(tokens, tokens, -1).permute(2, 0, 1)
        bias = bias.expand(self.across**2, -1, -1, -1)
        if self.attn_mask is not None:
            bias = bias + self.attn_mask.unsqueeze(1)
        return bias.reshape(1, -1, tokens, tokens)


def _attention(query: Tensor, key: Tensor, value: Tensor, bias: Tensor) -> Tensor:
    """(batch, windows x heads, tokens, dim) each -> the same shape."""
    if query.device.type == "cpu" and torch.is_grad_enabled() and bias.requires_grad:
        # Where the bias learns, torch has no fused attention for a CPU, and its steps one by one are more than these.
        scores: Tensor = (query * query.shape[-1] ** -0.5) @ key.transpose(-2, -1) + bias
        made: Tensor = scores.softmax(dim=-1) @ value
        return made
    out: Tensor = F.scaled_dot_product_attention(query, key, value, attn_mask=bias)
    return out


class Merge(nn.Module):
    """Every 2 x 2 tokens become one, by a norm and a layer from 4 dim to 2 dim."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(4 * dim)
        self.reduction = nn.Linear(4 * dim, 2 * dim, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, side, side, dim) -> (batch, side / 2, side / 2, 2 dim)."""
        corners = [x[:, row::2, column::2] for column in (0, 1) for row in (0, 1)]  # the original's order
        out: Tensor = self.reduction(self.norm(torch.cat(corners, dim=-1)))
        return out


def relative_positions(window: int) -> Tensor:
    """For two tokens of a window, the row of the bias table, (tokens * tokens,): one for each difference of place."""
    place = torch.arange(window)
    rows, columns = place.repeat_interleave(window), place.repeat(window)
    down = rows[:, None] - rows[None, :] + window - 1
    right = columns[:, None] - columns[None, :] + window - 1
    return (down * (2 * window - 1) + right).flatten()


def shifted_mask(side: int, *, window: int, shift: int) -> Tensor:
    """What to add to the attention in each window of a rolled map: (windows, tokens, tokens), 0 or -100."""
    place = torch.arange(side)
    part = (place >= side - window).long() + (place >= side - shift).long()  # before the seam, at it, rolled over
    parts = part[:, None] * 3 + part[None, :]
    across = side // window
    parts = parts.view(across, window, across, window).transpose(1, 2).reshape(across**2, window**2)
    return (parts[:, :, None] != parts[:, None, :]).float() * _APART
