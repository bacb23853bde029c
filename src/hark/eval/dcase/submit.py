"""Writes a submission: a system's table, its metadata, and the team's package."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hark.core.errors import DataError
from hark.core.files import write_aside, write_text
from hark.eval.dcase import check, metadata, tables, told
from hark.eval.dcase.check import Defect, Expected
from hark.eval.dcase.editions import Names
from hark.eval.dcase.package import check_package, pack
from hark.eval.dcase.score import ScoreReport, score
from hark.eval.dcase.sources import Asked
from hark.eval.embed import Progress
from hark.eval.provenance import Provenance, provenance
from hark.eval.systems import scores_of


@dataclass(frozen=True)
class Submission:
    """What was written. `score` is what the table is worth, where the answers are known; `left` what is left open."""

    made: Provenance
    output: Path
    metadata: Path
    package: Path
    queries: int
    files: int
    score: ScoreReport | None
    left: tuple[Defect, ...]


def submit(
    names: Names,
    system: str,
    asked: Asked,
    out: Path,
    *,
    about: Mapping[str, Any] | None = None,
    report: Path | None = None,
    command: str | None = None,
    progress: Progress | None = None,
) -> Submission:
    """Lets a system answer the queries and writes its part of the team's submission in the folder `out`.

    The names are the edition's, and the package is of all systems of the team that lie there. `about` are fields of the
    metadata (`hark.eval.dcase.metadata.read_about`), which stand before what hark itself knows; `report` is the
    technical report, a PDF. What was written is read back and checked before it is packed.

    Raises DataError, SettingError, WeightsError.
    """
    edition = names.edition
    if report is not None and not report.is_file():
        raise DataError(f"{report}: no such file; give the technical report, a PDF")
    texts = asked.queries.texts
    scored = scores_of(system, asked.clips, texts, progress=progress)
    folder = out / names.of("folder")
    output = folder / names.of("output")
    tables.write(output, edition, texts, asked.files, scored.scores)
    check.refuse(check.read_file(output, edition, Expected(asked.queries.places, frozenset(asked.files))).defects)
    found = None
    if asked.queries.relevant is not None:
        found = score(output, edition, asked, command=command)
    fields = {**told.of_system(scored, found), **(about or {})}
    described = folder / names.of("metadata")
    write_text(described, metadata.write(names, fields))
    if report is not None:
        with write_aside(folder / names.of("report")) as aside:
            shutil.copyfile(report, aside)
    package = pack(out, names)
    return Submission(
        made=provenance(scored, asked.clips, texts=texts, command=command),
        output=output,
        metadata=described,
        package=package,
        queries=len(texts),
        files=len(asked.files),
        score=found,
        left=tuple(
            defect
            for defect in check_package(package, edition, Expected())
            if defect.where == package.name or names.of("metadata") in defect.where
        ),
    )
