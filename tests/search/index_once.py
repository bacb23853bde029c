"""Run as a program: indexes a folder with the band model, and may kill itself at its Nth SQL statement.

python index_once.py FOLDER LIBRARY [N]. Prints a line after each file.
"""

import os
import signal
import sqlite3
import sys
from pathlib import Path

from band_model import BandModel


def main(folder: str, library: str, kill_at: int | None = None) -> None:
    statements = 0
    connect = sqlite3.connect

    def count(statement: str) -> None:
        nonlocal statements
        statements += 1
        if statements == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def traced(*args: object, **kwargs: object) -> sqlite3.Connection:
        connection = connect(*args, **kwargs)  # type: ignore[call-overload]
        connection.set_trace_callback(count)
        return connection

    sqlite3.connect = traced  # type: ignore[assignment]

    from hark.search.engine import Library

    with Library(Path(library), BandModel()) as opened:  # type: ignore[arg-type]
        opened.index(Path(folder), jobs=2, progress=lambda progress: print(progress.done, flush=True))  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else None)
