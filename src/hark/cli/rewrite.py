"""`hark rewrite`: other ways to say a query, shown, written to a file, or kept for an evaluation to come."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hark.cli.eval import AsJson, Where

if TYPE_CHECKING:
    from hark.text.rewrites.rewriter import Rewriter

By = Annotated[
    str, typer.Option(metavar="REWRITER", help="offline, endpoint (see HARK_REWRITE_URL), or a .json or .csv of them.")
]
Set = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="A setting of the rewriter; repeatable.")
]


def rewrite(
    texts: Annotated[list[str] | None, typer.Argument(metavar="TEXTS...", help="What to reword.")] = None,
    queries: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A .jsonl of queries as `hark eval` takes it, or a .txt with one a line."),
    ] = None,
    on: Annotated[
        Path | None, typer.Option(metavar="MANIFEST", help="A manifest, whose captions or labels are reworded.")
    ] = None,
    where: Where = None,
    by: By = "offline",
    n: Annotated[int, typer.Option("-n", "--paraphrases", metavar="N", help="Wordings of each text.")] = 5,
    change: Set = None,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Write them to a .json, for `--by FILE`.")] = None,
    as_json: AsJson = False,
) -> None:
    """Reword queries, as evaluation does to average their vectors; what an endpoint answers is kept."""
    from hark.cli.progress import continued, steps
    from hark.core.errors import SettingError
    from hark.core.files import refuse_unwritable, write_text
    from hark.core.provenance import command_line, made_by

    asked = [*(texts or []), *_texts(queries, on, where or [])]
    if not asked:
        raise SettingError("nothing to reword; give texts, --queries FILE or --on MANIFEST")
    if any(not text.strip() for text in asked):
        raise SettingError("an empty text cannot be reworded; leave it out")
    if out is not None and out.suffix.lower() != ".json":
        raise SettingError(f"{out}: paraphrases are written as .json")
    if out is not None:
        refuse_unwritable(out.parent)
    rewriter = build(by, change or [])
    asked = list(dict.fromkeys(asked))
    try:
        with continued(), steps("rewording texts") as progress:
            made = dict(zip(asked, rewriter.rewrite(asked, n, progress=progress), strict=True))
    finally:
        told = spent(rewriter)
        if told:
            typer.echo(f"hark: {told}", err=True)
    whole: dict[str, Any] = {"rewriter": rewriter.name, "stamp": rewriter.stamp, "n": n}
    whole |= {"hark": made_by()["hark"], "command": command_line()}
    if told:
        whole["spent"] = told
    whole["paraphrases"] = made
    printed = json.dumps(whole, indent=2, ensure_ascii=False)
    if out is not None:
        write_text(out, printed + "\n")
    if as_json or out is None:
        typer.echo(printed if as_json else "\n".join(_shown(made)))


def build(by: str, changes: Sequence[str] = ()) -> Rewriter:
    """The rewriter of a name or of a file, with `changes` as "key=value".

    Raises SettingError, and DataError for a file that cannot be used.
    """
    import tomllib

    from hark.core import component
    from hark.core.errors import SettingError
    from hark.recipe import overrides

    if by not in component.names("text.rewrites") and Path(by).suffix.lower() in (".jsonl", ".txt", ".tsv", ".yaml"):
        raise SettingError(f"{by}: wordings are read from a .json or a .csv; write one with `hark rewrite --out`")
    named = {"name": "file", "path": by} if Path(by).suffix.lower() in (".json", ".csv") else {"name": by}
    settings = tomllib.loads(overrides.changed(overrides.write(named), changes, name=by))
    rewriter: Rewriter = component.config("text.rewrites", settings, where="rewriter").build()
    return rewriter


def spent(rewriter: Rewriter) -> str:
    """What a rewriter that asks others has taken, in one line; empty for one that does not."""
    took = getattr(rewriter, "spent", None)
    return took.line() if took is not None else ""


def _texts(queries: Path | None, on: Path | None, where: Sequence[str]) -> list[str]:
    from hark.core.errors import DataError
    from hark.data import manifest
    from hark.eval.questions import questions

    found: list[str] = []
    if queries is not None and queries.suffix.lower() == ".txt":
        try:
            lines = queries.read_text(encoding="utf-8-sig").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise DataError(f"{queries}: cannot be read ({getattr(error, 'strerror', None) or 'not UTF-8'})") from None
        found += [line.strip() for line in lines if line.strip()]
    elif queries is not None:
        found += [query.text for query in manifest.read_queries(queries)]
    if on is not None:
        found += questions(manifest.read(on, where=manifest.parse_where(where))).texts
    return found


def _shown(made: dict[str, tuple[str, ...]]) -> list[str]:
    lines = []
    for text, said in made.items():
        lines += [text, *(f"  {one}" for one in said or ("(no other wording found)",))]
    return lines
