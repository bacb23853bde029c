"""Keeps freed memory in the process, so that a step or window does not fetch the same pages from the system again."""

from __future__ import annotations

import ctypes

# glibc's malloc.h
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD = -1, -2, -3


def keep_freed_memory() -> bool:
    """Tells glibc to reuse large blocks instead of returning them; false where the C library is another.

    Tensors of some megabytes are otherwise mapped and unmapped at every step, each page zeroed by the kernel anew:
    measured at a tenth to a quarter of the time on an idle machine, and half of it beside other work (docs/lab.md).
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError, TypeError):
        return False
    wanted = ((_MMAP_THRESHOLD, 1 << 30), (_TRIM_THRESHOLD, (1 << 31) - 1), (_TOP_PAD, 64 << 20))
    return all(mallopt(name, value) == 1 for name, value in wanted)
