"""`hark ensemble`: how much better several models find sounds together than the best of them alone."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hark.cli.eval import AsJson, Manifest, Where, progress_bar, show

if TYPE_CHECKING:
    from hark.eval.ensembles.ensemble import EnsembleReport
    from hark.eval.ensembles.members import Bank, Member
    from hark.metrics.paired import Difference

Component = Mapping[str, Any]

Rows = list[tuple[str, ...]]


def ensemble(
    names: Annotated[
        list[str], typer.Argument(metavar="NAME | MODEL...", help="An ensemble's name or .toml file, or models.")
    ],
    on: Manifest,
    where: Where = None,
    queries: Annotated[
        Path | None, typer.Option(metavar="QUERIES", help="A .jsonl of queries and the ids they should find.")
    ] = None,
    combine: Annotated[
        str | None, typer.Option(metavar="NAME[:KEY=VALUE,...]", help="mean, distance, znorm, reciprocal_rank, borda.")
    ] = None,
    weights: Annotated[
        str | None, typer.Option(metavar="W,W,...", help="What each member counts, in the order of the members.")
    ] = None,
    greedy: Annotated[bool, typer.Option("--greedy", help="Choose the members one by one, on --select-on.")] = False,
    select_on: Annotated[
        Path | None, typer.Option(metavar="MANIFEST", help="Clips to choose members by; not those measured on.")
    ] = None,
    select_where: Annotated[
        list[str] | None, typer.Option(metavar="COLUMN=VALUE", help="Only those of which this is so; repeatable.")
    ] = None,
    rescore: Annotated[
        str | None,
        typer.Option(
            metavar="NAME[:KEY=VALUE,...]", help="Against hubs: inverted_softmax, sinkhorn, csls, dual_softmax."
        ),
    ] = None,
    bank: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Other queries to know hubs by: a manifest, or a .txt with a text a line."),
    ] = None,
    bank_where: Annotated[
        list[str] | None, typer.Option(metavar="COLUMN=VALUE", help="Only those of which this is so; repeatable.")
    ] = None,
    rerank: Annotated[
        str | None, typer.Option(metavar="NAME[:KEY=VALUE,...]", help='A second look: "model:model=NAME".')
    ] = None,
    top: Annotated[int, typer.Option(metavar="N", help="How many clips of each text get the second look.")] = 10,
    cache: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where vectors are kept; hark's own cache unless given.")
    ] = None,
    no_cache: Annotated[bool, typer.Option("--no-cache", help="Keep no vectors, and use none.")] = False,
    as_json: AsJson = False,
) -> None:
    """Measure several models together: their gain over the best of them, and what each is worth."""
    import numpy as np

    from hark.core.errors import SettingError
    from hark.core.provenance import command_line
    from hark.data import manifest
    from hark.eval import cache as vectors
    from hark.eval.ensembles.ensemble import Settings
    from hark.eval.ensembles.run import Steps, evaluate

    if greedy != (select_on is not None):
        given, missing = ("--greedy", "--select-on MANIFEST") if greedy else ("--select-on", "--greedy")
        raise SettingError(f"{given}: give {missing} as well; members are chosen on other clips than those measured on")
    if bank is not None and rescore is None:
        raise SettingError("--bank: give --rescore NAME as well, such as sinkhorn")
    name, members, how = _members(names, weights)
    clips = manifest.read(on, where=manifest.parse_where(where or []))
    steps = Steps(
        combine=how if combine is None else component(combine, "--combine"),
        choose_on=None
        if select_on is None
        else manifest.read(select_on, where=manifest.parse_where(select_where or [])),
        rescore=None if rescore is None else component(rescore, "--rescore"),
        bank=None if bank is None else _bank(bank, bank_where or []),
        rerank=None if rerank is None else component(rerank, "--rerank"),
        top=top,
    )
    with progress_bar("embedding clips") as move:
        report = evaluate(
            name,
            members,
            clips,
            steps=steps,
            settings=Settings(np.random.default_rng(0)),  # fixed, so that the same run prints the same intervals
            queries=None if queries is None else manifest.read_queries(queries),
            cache=None if no_cache else cache or vectors.folder(),
            command=command_line(),
            progress=lambda _, done, total: move(done, total),
        )
    typer.echo(json.dumps(report.as_json(), indent=2) if as_json else "\n".join(_lines(report, on)))


def component(text: str, where: str) -> Component:
    """A component's table from "name" or "name:key=value,key=value", where a value is TOML or a single word.

    Raises SettingError.
    """
    from hark.core.errors import SettingError

    name, _, rest = text.partition(":")
    table: dict[str, Any] = {"name": name.strip()}
    for part in filter(None, rest.split(",")):
        key, equals, value = part.partition("=")
        if not equals:
            raise SettingError(f"{where} {text}: '{part}' is no setting; give NAME:key=value,key=value")
        try:
            table[key.strip()] = tomllib.loads(f"value = {value}")["value"]
        except (tomllib.TOMLDecodeError, KeyError):
            table[key.strip()] = value.strip()
    return table


def _members(names: Sequence[str], weights: str | None) -> tuple[str, list[Member], Component]:
    """The ensemble's name, members and combination."""
    import dataclasses

    from hark.core.errors import SettingError
    from hark.eval.ensembles.members import members, named
    from hark.eval.systems import is_ensemble, refuse_misspelt
    from hark.recipe import ensemble as ensembles

    how: Component = {"name": "mean"}
    if len(names) == 1 and is_ensemble(names[0]):
        found = ensembles.load(names[0])
        name, chosen, how = found.name, members(found), found.combine
    else:
        if len(names) == 1:
            refuse_misspelt(names[0])
        name, chosen = " + ".join(names), named(names)
    if weights is None:
        return name, chosen, how
    try:
        numbers = [float(number) for number in weights.split(",")]
    except ValueError:
        raise SettingError(f"--weights {weights}: give numbers with commas between them, such as 2,1,1") from None
    if len(numbers) != len(chosen):
        raise SettingError(f"--weights {weights}: {len(numbers)} weights for {len(chosen)} members")
    if not all(0 <= number < float("inf") for number in numbers) or not sum(numbers) > 0:
        raise SettingError(f"--weights {weights}: give numbers that are not below 0, one of them above it")
    return name, [dataclasses.replace(one, weight=n) for one, n in zip(chosen, numbers, strict=True)], how


def _bank(path: Path, where: list[str]) -> Bank:
    from hark.core.errors import DataError
    from hark.data import manifest
    from hark.eval.ensembles.members import Bank
    from hark.eval.questions import questions

    if path.suffix.lower() != ".txt":
        clips = manifest.read(path, where=manifest.parse_where(where))
        return Bank(questions(clips).texts, tuple(clips))
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read ({getattr(error, 'strerror', None) or 'not UTF-8'})") from None
    texts = tuple(dict.fromkeys(line.strip() for line in lines if line.strip()))
    if not texts:
        raise DataError(f"{path}: no text in it; give one a line")
    return Bank(texts)


def _lines(report: EnsembleReport, on: Path) -> Iterator[str]:
    there, back = report.retrieval.text_to_audio, report.retrieval.audio_to_text
    how = ", ".join(f"{value}" if key == "name" else f"{key} {value}" for key, value in report.combine.items())
    yield f"{report.made.model} ({how}) on {on}: {there.items} clips, {there.queries} {report.retrieval.texts}"
    yield from report.further
    key = next(name for name in there.metrics if name.startswith("mAP"))
    rows: Rows = [("", "weight", "text to audio", "", "audio to text", ""), ("", "", key, "R@1", key, "R@1")]
    for one in report.members:
        numbers = [one.metrics[way][metric] for way in one.metrics for metric in (key, "R@1")]
        rows.append((one.name, f"{one.weight:g}", *(f"{number:.3f}" for number in numbers)))
    yield ""
    yield from _table(rows)
    ours = {"text to audio": there, "audio to text": back}
    rows = [("", "text to audio", "audio to text")]
    rows += [(name, *(show(way.metrics[name], _digits(name)) for way in ours.values())) for name in there.metrics]
    yield from ("", "together", *_table(rows))
    rows = [("", "text to audio", "audio to text")]
    rows += [(name, *(signed(table[name]) for table in report.gain.values())) for name in (key, "R@1")]
    if len(report.members) > 1:
        yield from ("", f"gain over {report.best}, the best alone (mAP on these clips)", *_table(rows))
    if report.worth:
        rows = [("", key, "it adds"), *((w.name, f"{w.without:.3f}", signed(w.gain)) for w in report.worth)]
        yield from ("", "without one, text to audio", *_table(rows))
    if report.chosen is not None and report.chosen_on is not None:
        names = [report.members[place].name for place in report.chosen.taken]
        steps = [f"{name} {value:.3f}" for name, value in zip(names, report.chosen.values, strict=True)]
        yield from ("", f"chosen on data {report.chosen_on.data}, {key} as each was taken: {', '.join(steps)}")
    yield from _correction(report, key)
    yield from (
        "",
        f"[low, high]: {report.retrieval.level:.0%} bootstrap interval over queries; of differences, paired",
    )
    yield "p: two-sided, of a randomisation test over queries, not corrected for how many are told"
    yield report.made.line()


def _correction(report: EnsembleReport, key: str) -> Iterator[str]:
    for way, done in report.correction.items():
        before, after = done.before, done.after
        yield ""
        known = "a bank" if done.queries == "bank" else "all queries at once"
        yield f"hubs, {way} (k = {before.k}), before and after, known by {known}"
        yield f"  skewness of k-occurrence  {before.skewness:6.2f}  {after.skewness:6.2f}"
        yield f"  found by most queries     {before.most:6.1%}  {after.most:6.1%}"
        yield f"  found by none             {before.never:6.1%}  {after.never:6.1%}"
    if report.effect:
        rows: Rows = [("", "text to audio", "audio to text")]
        rows += [(name, *(signed(table[name]) for table in report.effect.values())) for name in (key, "R@1")]
        yield from ("", "effect of it", *_table(rows))


def signed(found: Difference) -> str:
    """A difference, its interval and p, as "+0.012 [-0.001, +0.025] p 0.063"."""
    chance = "p < 0.001" if found.p < 0.001 else f"p {found.p:.3f}"
    return f"{found.value:+.3f} [{found.low:+.3f}, {found.high:+.3f}] {chance}"


def _digits(name: str) -> int:
    return 1 if name.endswith("rank") else 3


def _table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
