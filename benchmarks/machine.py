"""What the numbers were measured with: processor, cores, versions."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path


@dataclass(frozen=True)
class Machine:
    """A machine; `cores` are those that this process may use, `busy` is how many were at work before we began."""

    processor: str
    cores: int
    busy: float
    system: str
    versions: dict[str, str]


def machine() -> Machine:
    """The machine that this runs on."""
    import soundfile

    packages = ("hark", "torch", "transformers", "numpy", "soundfile", "soxr")
    versions = {"python": platform.python_version()} | {name: version(name) for name in packages}
    return Machine(
        processor=_processor(),
        cores=cores(),
        busy=round(os.getloadavg()[0], 2),
        system=f"{platform.system()} {platform.machine()}",
        versions=versions | {"libsndfile": soundfile.__libsndfile_version__},
    )


def cores() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _processor() -> str:
    told = Path("/proc/cpuinfo")
    if told.exists():
        for line in told.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or "unknown"
