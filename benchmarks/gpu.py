"""Training on a GPU: clips per second and how much of what the chip can do, with and without bf16 and torch.compile."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import Any

from benchmarks.training import Size, hark_side, make_data, plain_side

# Dense 10^12 operations per second, from the makers' data sheets: bf16 with matrix cores, and 32 bits without.
PEAKS = {
    "H200": (989.0, 67.0),
    "H100": (989.0, 67.0),
    "A100": (312.0, 19.5),
    "L40S": (362.0, 91.6),
    "L4": (121.0, 30.3),
    "A10": (125.0, 31.2),
    "RTX 4090": (165.2, 82.6),
    "RTX 3090": (71.0, 35.6),
}
WAYS: dict[str, dict[str, Any]] = {
    "fp32": {},
    "bf16": {"precision": "bf16"},
    "bf16, compiled": {"precision": "bf16", "compile": True},
    "bf16, checkpointing": {"precision": "bf16", "checkpointing": True},
}


@dataclass(frozen=True)
class Way:
    """One way to train: clips per second, share of the chip's peak (None: its peak is not known), memory in GiB."""

    name: str
    clips_per_s: float
    mfu: float | None
    peak_gib: float


@dataclass(frozen=True)
class Gpu:
    """What a GPU does with a batch; `largest` is the largest batch, a power of two, that fits in bf16."""

    name: str
    batch: int
    gflops: float  # of a clip, forward and backward
    ways: tuple[Way, ...]
    plain_clips_per_s: float  # ClapModel in a plain loop, in 32 bits
    largest: int

    def lines(self) -> list[str]:
        """To be read."""
        told = [f"{self.name}, batch {self.batch}, {self.gflops:.1f} GFLOP a clip"]
        for way in self.ways:
            mfu = "" if way.mfu is None else f", {way.mfu:.1%} of the peak"
            told.append(f"  {way.name:28}{way.clips_per_s:>10.1f} clips per second{mfu}, {way.peak_gib:.1f} GiB")
        told.append(f"  {'plain loop, ClapModel, fp32':28}{self.plain_clips_per_s:>10.1f} clips per second")
        return [*told, f"  largest batch in bf16: {self.largest}"]


def on_gpu(size: Size, *, batch: int = 64, steps: int = 8) -> Gpu | None:
    """Measures on the first GPU; None where there is none."""
    import torch

    return measure(size, "cuda", batch=batch, steps=steps) if torch.cuda.is_available() else None


def measure(size: Size, device: str, *, batch: int, steps: int, most: int = 1 << 14) -> Gpu:
    """What `on_gpu` measures, on any device; batches of up to `most` are tried."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    name = torch.cuda.get_device_name(device) if device == "cuda" else device
    data = make_data(size, batch)
    side = hark_side(data, device=device)
    with FlopCounterMode(display=False) as counter:
        side.step()
    flops = counter.get_total_flops() / batch
    ways = []
    for called, settings in WAYS.items():
        _clear(device)
        side = hark_side(data, device=device, **settings)
        clips_per_s = batch / _seconds(side.step, steps)
        known = next((peak for part, peak in PEAKS.items() if part in name), None)
        peak = None if known is None else known[0 if "bf16" in called else 1] * 1e12
        mfu = None if peak is None else clips_per_s * flops / peak
        ways.append(Way(called, clips_per_s, mfu, _held(device)))
        del side
    _clear(device)
    plain = batch / _seconds(plain_side(data, device=device).step, steps)
    return Gpu(name, batch, flops / 1e9, tuple(ways), plain, _largest(size, device, most=most))


def _seconds(step: Any, steps: int) -> float:
    """The median of so many steps, after some that do not count: the first compile, and choose their kernels."""
    for _ in range(3):
        step()
    return statistics.median(step().wall_s for _ in range(steps))


def _largest(size: Size, device: str, *, most: int) -> int:
    """The largest power of two that a step in bf16 has memory for."""
    import torch

    batch, fits = 2, 0
    while batch <= most:
        _clear(device)
        try:
            side = hark_side(make_data(size, batch, distinct=1), device=device, precision="bf16")
            side.step()
        except torch.OutOfMemoryError:
            break
        fits, batch = batch, 2 * batch
        del side
    return fits


def _clear(device: str) -> None:
    import gc

    import torch

    gc.collect()
    if device == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()


def _held(device: str) -> float:
    import torch

    return torch.cuda.max_memory_allocated() / 2**30 if device == "cuda" else 0.0
