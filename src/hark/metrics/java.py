"""Java programs that are not part of hark: where they are, and a run that leaves no process behind.

They are looked for in the folder that the variable HARK_CAPTION_JARS names, and in an installed `pycocoevalcap`
package, which brings most of them; of either, in the subfolder of the program's name, and of the former also in itself.
Nothing is fetched, and nothing is written outside a folder of its own that is deleted.
"""

from __future__ import annotations

import os
import queue
import re
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import IO

from hark.core.errors import HarkError

VARIABLE = "HARK_CAPTION_JARS"
PACKAGE = "pycocoevalcap"


def find_java() -> str | None:
    """The path of Java: that of JAVA_HOME, or else on PATH."""
    home = os.environ.get("JAVA_HOME")
    return (shutil.which("java", path=str(Path(home) / "bin")) if home else None) or shutil.which("java")


def version(java: str) -> int:
    """The first number of a Java's version, 8 for what calls itself 1.8; 0 where it does not tell."""
    try:
        said = subprocess.run([java, "-version"], capture_output=True, timeout=60, check=False).stderr  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return 0
    found = re.search(rb'version "(?:1\.)?(\d+)', said)
    return int(found[1]) if found else 0


class Missing(HarkError):  # noqa: N818 - it tells what is wrong
    """Java, or a file that one of its programs needs, is not there."""


@dataclass(frozen=True)
class Program:
    """A Java program: its `folder`'s name, the `files` that must be in there, and where to `get` them.

    `newest` is the last version of Java that runs it, and `newest_why` tells why.
    """

    name: str
    folder: str
    files: tuple[str, ...]
    get: str
    newest: int | None = None
    newest_why: str = ""

    def check(self) -> None:
        """Raises Missing, which tells all that is missing, and how to get it, where the program cannot be run."""
        if missing := [what for what in (self._java_missing(), self._files_missing()) if what]:
            raise Missing(f"{self.name}: {'; '.join(missing)}")

    def place(self) -> Path | None:
        """The folder with all of the files."""
        return next((place for place in self._places() if not self._lacking(place)), None)

    def _java_missing(self) -> str:
        java = find_java()
        if java is None:
            return "no 'java' on PATH or in JAVA_HOME: install a Java runtime (on Debian: default-jre-headless)"
        if self.newest is not None and (found := version(java)) > self.newest:
            return f"{java} is Java {found}, and {self.newest_why}: set JAVA_HOME to a Java of 8 to {self.newest}"
        return ""

    def _files_missing(self) -> str:
        places = list(self._places())
        if not places:
            return f"no {self.files[0]}, as {VARIABLE} is not set and {PACKAGE} is not installed: {self.get}"
        nearest = min(places, key=lambda place: len(self._lacking(place)))
        lacking = self._lacking(nearest)
        return f"no {' and no '.join(lacking)} in {nearest}: {self.get}" if lacking else ""

    def _places(self) -> Iterator[Path]:
        if told := os.environ.get(VARIABLE):
            yield from (Path(told).resolve() / self.folder, Path(told).resolve())
        spec = find_spec(PACKAGE)  # looks, but imports nothing
        for root in (spec.submodule_search_locations or ()) if spec else ():
            yield Path(root) / self.folder

    def _lacking(self, place: Path) -> list[str]:
        return [name for name in self.files if not (place / name).is_file()]

    @contextmanager
    def started(
        self,
        jvm: Sequence[str],
        arguments: Sequence[str],
        *,
        timeout_s: float,
        files: Mapping[str, str] | None = None,
    ) -> Iterator[Conversation]:
        """The program's first file, run by Java in a folder with these files.

        When the block ends, the program is ended and the folder deleted, whatever happened.

        Raises Missing.
        """
        self.check()
        java, place = find_java(), self.place()
        assert java is not None
        assert place is not None
        command = [java, *jvm, "-jar", str(place / self.files[0]), *arguments]
        with tempfile.TemporaryDirectory(prefix="hark-java-") as scratch, tempfile.TemporaryFile() as complaints:
            for name, text in (files or {}).items():
                (Path(scratch) / name).write_text(text, encoding="utf-8")
            process = subprocess.Popen(  # noqa: S603 - a fixed program, and no text of the user's in its arguments
                command, cwd=scratch, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=complaints, encoding="utf-8"
            )
            conversation = Conversation(self.name, Path(scratch), process, complaints, timeout_s)
            try:
                yield conversation
            finally:
                process.kill()
                process.wait()
                conversation.close()


class Conversation:
    """What is said to a running program, line by line, and what it answers, until the time is over."""

    def __init__(
        self, name: str, folder: Path, process: subprocess.Popen[str], complaints: IO[bytes], timeout_s: float
    ) -> None:
        self.folder = folder
        self._name = name
        self._process = process
        self._complaints = complaints
        self._timeout_s = timeout_s
        self._until = time.monotonic() + timeout_s
        self._answers: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._threads = [threading.Thread(target=self._listen, daemon=True)]
        self._threads[0].start()

    def ask(self, lines: Sequence[str], *, answers: int) -> list[str]:
        """Says lines, and waits for so many.

        Raises HarkError where the program ends before, or the time is over.
        """
        speaker = threading.Thread(target=self._speak, args=(lines,), daemon=True)  # it may be slow to listen
        self._threads.append(speaker)
        speaker.start()
        return [self._answer() for _ in range(answers)]

    def wait(self) -> None:
        """Waits for the program's end.

        Raises HarkError where it fails, or the time is over.
        """
        try:
            code = self._process.wait(max(0.0, self._until - time.monotonic()))
        except subprocess.TimeoutExpired as error:
            raise self._late() from error
        if code:
            raise self._failed(code)

    def close(self) -> None:
        """Lets go of the pipes of a process that has ended."""
        for thread in self._threads:
            thread.join()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except OSError:  # what it did not hear any more
                    continue

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._answers.put(line.rstrip("\n"))
        self._answers.put(None)

    def _speak(self, lines: Sequence[str]) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.writelines(f"{line}\n" for line in lines)
            self._process.stdin.flush()
        except OSError:  # it has ended; `_answer` tells why
            return

    def _answer(self) -> str:
        try:
            line = self._answers.get(timeout=max(0.0, self._until - time.monotonic()))
        except queue.Empty as error:
            raise self._late() from error
        if line is None:
            raise self._failed(self._process.wait())
        return line

    def _late(self) -> HarkError:
        return HarkError(f"{self._name}: not ready after {self._timeout_s:g} s, and stopped; give it more time")

    def _failed(self, code: int) -> HarkError:
        self._complaints.seek(0)
        said = self._complaints.read().decode(errors="replace").split("\n")
        telling = next((line.strip() for line in said if "Exception" in line or "Error" in line), "it said nothing")
        return HarkError(f"{self._name}: Java ended with {code}: {telling[:300]}")
