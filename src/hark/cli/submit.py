"""`hark submit`: writes what DCASE's retrieval tasks ask for, checks anybody's files, scores a table of results."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hark.cli.eval import Where, progress_bar, show

if TYPE_CHECKING:
    from hark.eval.dcase.check import Defect
    from hark.eval.dcase.sources import Asked
    from hark.eval.dcase.submit import Submission

YEARS = (2022, 2023, 2024, 2025)
SHOWN = 50  # defects printed; JSON has all

System = Annotated[str, typer.Option(metavar="SYSTEM", help="A model's name, the folder of a run, an ensemble.")]
On = Annotated[Path | None, typer.Option("--on", metavar="MANIFEST", help="The clips; their captions are the queries.")]
Data = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        help="The set as published: retrieval_captions.csv and retrieval_audio/, or Clotho's evaluation split.",
    ),
]
Queries = Annotated[
    Path | None,
    typer.Option(metavar="QUERIES", help="The queries: a .csv (also DCASE 2025's relevance), .jsonl, or one a line."),
]
Year = Annotated[int, typer.Option(metavar="YEAR", help="2022, 2023, 2024 or 2025.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]

app = typer.Typer(
    help="Write a submission to DCASE's language-based audio retrieval; check anybody's; score a table of results.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _of_year(year: int) -> Callable[..., None]:
    def command(
        system: System,
        out: Annotated[Path, typer.Option(metavar="DIR", help="The folder to write to.")],
        on: On = None,
        where: Where = None,
        data: Data = None,
        queries: Queries = None,
        label: Annotated[
            str | None, typer.Option(metavar="LASTNAME_INSTITUTE", help="The team, as its files are called.")
        ] = None,
        author: Annotated[
            list[str] | None,
            typer.Option(metavar='"FIRST LAST <MAIL>"', help="An author, the corresponding one first; repeatable."),
        ] = None,
        institute: Annotated[str | None, typer.Option(metavar="ABBREVIATION", help="Where the authors work.")] = None,
        index: Annotated[int, typer.Option(metavar="N", help="The team's system number, 1 to 4.")] = 1,
        about: Annotated[
            Path | None, typer.Option(metavar="FILE.toml", help="More fields of the metadata; docs/dcase.md.")
        ] = None,
        report: Annotated[Path | None, typer.Option(metavar="FILE.pdf", help="The technical report.")] = None,
        as_json: AsJson = False,
    ) -> None:
        """Write a system's results, its metadata and the team's zip; up to four systems share one folder."""
        from hark.core.files import refuse_unwritable
        from hark.core.provenance import command_line
        from hark.eval.dcase.editions import Names, edition
        from hark.eval.dcase.metadata import read_about
        from hark.eval.dcase.submit import submit

        fields: dict[str, Any] = read_about(about) if about else {}
        team = _team(label, author or [], institute, fields)
        asked = _asked(on, where, data, queries)
        refuse_unwritable(out)
        with progress_bar("embedding clips") as progress:
            made = submit(
                Names(edition(year), team, index),
                system,
                asked,
                out,
                about=fields,
                report=report,
                command=command_line(),
                progress=progress,
            )
        typer.echo(json.dumps(dataclasses.asdict(made), indent=2, default=str) if as_json else _written(made))

    return command


for _year in YEARS:
    _form = "the matrix of similarities" if _year == 2025 else "ten files a query"
    app.command(str(_year), short_help=f"Write a submission of {_year}: {_form}.")(_of_year(_year))


@app.command(short_help="Find every defect of a table, its metadata, or a zip.")
def check(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A .csv, .yaml or .zip.")],
    year: Year,
    queries: Queries = None,
    files: Annotated[
        Path | None, typer.Option(metavar="FILES", help="The searched files: a folder, a .csv, .jsonl, or one a line.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Print a line for each defect: file, line, what is wrong; the exit status is 0 only if there is none.

    Without --queries and --files only what can be seen without them is looked at.
    """
    from hark.core.errors import DataError
    from hark.eval.dcase import sources
    from hark.eval.dcase.check import Expected, read_file
    from hark.eval.dcase.editions import edition
    from hark.eval.dcase.package import check_metadata, check_package

    if not file.is_file():
        raise DataError(f"{file}: no such file")
    this = edition(year)
    expected = Expected(
        None if queries is None else sources.read_queries(queries).places,
        None if files is None else frozenset(sources.read_files(files)),
    )
    suffix = file.suffix.lower()
    if suffix == ".zip":
        found = check_package(file, this, expected)
    elif suffix in (".yaml", ".yml"):
        found = list(check_metadata(file.read_bytes(), file.name))
    else:
        found = read_file(file, this, expected).defects
    defects, notes = [d for d in found if not d.note], [d for d in found if d.note]
    if as_json:
        told = {"file": str(file), "edition": this.title, "defects": defects, "notes": notes}
        typer.echo(json.dumps(told, indent=2, default=dataclasses.asdict))
    else:
        _tell(defects, "")
        _tell(notes, "note: ")
        unseen = [name for name, given in (("--queries", queries), ("--files", files)) if given is None]
        if unseen and suffix not in (".yaml", ".yml"):
            typer.echo(f"note: without {' and '.join(unseen)} names cannot be compared")
        if not defects:
            typer.echo(f"{file}: good for {this.title}")
    if defects:
        typer.echo(
            f"hark: {file}: {len(defects)} {'defect' if len(defects) == 1 else 'defects'}; see {this.page}", err=True
        )
        raise typer.Exit(1)


@app.command(short_help="The official scorer's numbers, from the table alone.")
def score(
    file: Annotated[Path, typer.Argument(metavar="FILE.csv", help="Somebody's results.")],
    on: On = None,
    where: Where = None,
    data: Data = None,
    queries: Queries = None,
    year: Annotated[int | None, typer.Option(metavar="YEAR", help="Without it 2024, or 2025 for a matrix.")] = None,
    as_json: AsJson = False,
) -> None:
    """Print R@1, R@5, R@10 and mAP@10 (2025: mAP@16, divided by all relevant files) of a table of results."""
    from hark.core.errors import DataError
    from hark.core.provenance import command_line
    from hark.eval.dcase.editions import MATRIX_COLUMN, edition
    from hark.eval.dcase.score import score as measured

    if not file.is_file():
        raise DataError(f"{file}: no such file")
    with file.open("rb") as opened:
        matrix = opened.read(len(MATRIX_COLUMN) + 1) == f"{MATRIX_COLUMN},".encode()
    this = edition(year or (2025 if matrix else 2024))
    asked = _asked(on, where, data, queries)
    report = measured(file, this, asked, command=command_line())
    if as_json:
        typer.echo(json.dumps(report.as_json(), indent=2))
        return
    typer.echo(f"{file}, scored as {this.title}: {report.queries} queries, {report.files} files\n")
    for name, estimate in report.metrics.items():
        typer.echo(f"{name:<7} {show(estimate, 4)}")
    divided = "all relevant files" if report.divisor == "all" else "min(k, relevant)"
    typer.echo(f"\n[low, high]: {report.level:.0%} jackknife interval over queries; mAP is divided by {divided}")
    typer.echo(report.made.line())


def _asked(on: Path | None, where: Sequence[str] | None, data: Path | None, queries: Path | None) -> Asked:
    from hark.core.errors import SettingError
    from hark.data.manifest import parse_where
    from hark.eval.dcase import sources

    if (on is None) == (data is None):
        raise SettingError("which clips? give --on MANIFEST or --data DIR, one of them")
    if on is not None:
        return sources.from_manifest(on, where=parse_where(where or []), queries=queries)
    assert data is not None
    return sources.from_folder(data, queries=queries)


def _team(label: str | None, author: Sequence[str], institute: str | None, fields: dict[str, Any]) -> str:
    """LASTNAME_INSTITUTE; the authors go to the fields of the metadata."""
    from hark.core.errors import SettingError
    from hark.eval.dcase.told import authors

    if author:
        place = institute or (label or "").partition("_")[2]
        fields["submission.authors"] = authors(author, place)
    if label is not None:
        return label
    leading = next((one for one in fields.get("submission.authors", []) if one.get("corresponding")), None)
    place = institute or (leading or {}).get("affiliation", {}).get("abbreviation")
    if leading is None or not place:
        raise SettingError("whose submission? give --label LASTNAME_INSTITUTE, or --author and --institute")
    return f"{leading['lastname']}_{place}".replace(" ", "-")


def _tell(found: Sequence[Defect], before: str) -> None:
    for defect in found[:SHOWN]:
        typer.echo(f"{before}{defect}")
    if len(found) > SHOWN:
        typer.echo(f"{before}... and {len(found) - SHOWN} more")


def _written(made: Submission) -> str:
    lines = [f"{made.output}: {made.queries} queries, {made.files} files", str(made.metadata), str(made.package)]
    if made.score is not None:
        values = ", ".join(f"{name} {estimate.value:.4f}" for name, estimate in made.score.metrics.items())
        lines.append(f"scored: {values}")
    open_ones = [str(defect.what).split(";")[0] for defect in made.left]
    if open_ones:
        lines.append(f"still open: {'; '.join(dict.fromkeys(open_ones))}")
    return "\n".join([*lines, made.made.line()])
