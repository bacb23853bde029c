"""Freed memory is kept: the kernel counts the pages that it had to bring."""

import subprocess
import sys

import pytest

PROBE = """
import resource, sys
import numpy as np
from hark.core.memory import keep_freed_memory

kept = keep_freed_memory() if sys.argv[1] == "keep" else True
def step():
    np.ones(4_000_000, dtype=np.float32).sum()
step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before if kept else -1)
"""


def faults(how: str) -> int:
    return int(subprocess.run([sys.executable, "-c", PROBE, how], capture_output=True, text=True, check=True).stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="glibc alone")
def test_freed_blocks_are_used_again() -> None:
    kept = faults("keep")
    if kept < 0:
        pytest.skip("another C library")
    pages = 20 * 4_000_000 * 4 // 4096
    assert faults("return") > pages // 1024  # huge pages may be a five-hundredth as many
    assert kept * 10 < faults("return")
