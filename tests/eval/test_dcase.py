"""Submissions to DCASE: written, read back, scored, and broken in every way that the validator knows."""

import csv
import io
import json
import zipfile

import numpy as np
import pytest
import yaml

from hark.core.errors import DataError, SettingError, WeightsError
from hark.eval import retrieval
from hark.eval.dcase import check, metadata, sources, tables
from hark.eval.dcase.check import Expected
from hark.eval.dcase.editions import LIST_HEADER, Names, edition, editions
from hark.eval.dcase.package import check_package, pack
from hark.eval.dcase.score import score
from hark.eval.dcase.submit import submit
from hark.eval.dcase.told import authors
from hark.eval.provenance import Provenance
from hark.eval.questions import questions
from hark.runtime import load

FILES = [f"sound, {number}.wav" if number % 3 == 0 else f"sound {number}.wav" for number in range(14)]
TEXTS = [f'a "{number}" is heard, and then it is not' if number % 2 else f"number {number}" for number in range(28)]
EXPECTED = Expected({text: f"queries.csv:{line}" for line, text in enumerate(TEXTS, 2)}, frozenset(FILES))
TEAM = "Doe_HARK"


@pytest.fixture
def asked(clip, tmp_path):
    """14 clips with two captions each, as a manifest has them."""
    clips = tuple(clip(name.removesuffix(".wav"), TEXTS[2 * at : 2 * at + 2]) for at, name in enumerate(FILES))
    told = {text: (FILES[at // 2],) for at, text in enumerate(TEXTS)}
    return sources.Asked(clips, tuple(FILES), sources.Queries(dict(EXPECTED.queries), told))


@pytest.fixture
def scores():
    return np.random.default_rng(3).normal(size=(len(TEXTS), len(FILES))).astype(np.float32)


@pytest.fixture
def lines(tmp_path, scores):
    """The lines of a good list, and of a good matrix."""

    def of(year):
        path = tmp_path / f"{year}.csv"
        tables.write(path, edition(year), TEXTS, FILES, scores)
        return path.read_text(encoding="utf-8").splitlines(keepends=True)

    return of


def found(data, year, expected=EXPECTED):
    data = data.encode() if isinstance(data, str) else data
    return [str(defect) for defect in check.read(data, "out.csv", edition(year), expected).defects]


def cells(line):
    return next(csv.reader(io.StringIO(line)))


def row(values):
    written = io.StringIO()
    csv.writer(written, lineterminator="\n").writerow(values)
    return written.getvalue()


@pytest.mark.parametrize("year", editions())
def test_what_is_written_is_good(lines, year):
    assert found("".join(lines(year)), year) == []


def test_the_list_is_written_as_the_official_baseline_writes_it(lines, scores):
    """Header, quoting and line ends of pandas.to_csv, by which `test.output.csv` of the 2022 baseline was made."""
    written = lines(2022)
    assert written[0] == "caption," + ",".join(f"file_name_{place}" for place in range(1, 11)) + "\n"
    assert cells(written[0]) == list(LIST_HEADER)
    for text, line, values in zip(TEXTS, written[1:], scores, strict=True):
        assert cells(line) == [text, *(FILES[at] for at in np.argsort(-values)[:10])]
        assert line == row(cells(line))  # quotes only where they are needed


def test_the_matrix_holds_every_score_to_the_last_bit(lines, scores):
    written = lines(2025)
    assert cells(written[0]) == ["index", *FILES]
    assert np.array_equal(np.array([cells(line)[1:] for line in written[1:]], dtype=np.float32), scores)


def broken_list(lines):
    good = lines(2024)
    first = cells(good[1])
    twice = [*first[:3], first[2], *first[4:]]
    bare = f"{TEXTS[1]},{','.join(FILES[1:2] * 10)}\n".replace('"', "")
    yield "missing query", good[:4] + good[5:], 'out.csv: missing query "a "3" is heard'
    yield "its place", good[:4] + good[5:], "(queries.csv:5)"
    yield "count", good[:4] + good[5:], "out.csv: 27 queries, not 28"
    yield "duplicate query", [*good, good[2]], "out.csv:30: duplicate query"
    yield "duplicate file", [good[0], row(twice), *good[2:]], "out.csv:2: duplicate file"
    yield (
        "header",
        ["caption" + good[0].removeprefix("caption").replace("file_name", "fname"), *good[1:]],
        ("out.csv:1: wrong header: column 2 is 'fname_1', not 'file_name_1'"),
    )
    yield "semicolons", [good[0].replace(",", ";"), *good[1:]], "its columns are separated by semicolons"
    yield "unquoted comma", [*good[:2], bare, *good[3:]], "out.csv:3: 12 columns, not 11: unquoted comma"
    yield "NaN", [good[0], row([*first[:-1], "NaN"]), *good[2:]], "out.csv:2: file_name_10 is NaN"
    yield "empty", [good[0], row([*first[:-1], ""]), *good[2:]], "out.csv:2: file_name_10 is empty"
    yield "9 columns", [good[0], row(first[:9]), *good[2:]], "out.csv:2: 9 columns, not 11"
    yield "9 columns throughout", [row(cells(line)[:9]) for line in good], "out.csv:1: the header has 9 columns, not 11"
    yield "unknown file", [good[0], row([*first[:-1], "no.wav"]), *good[2:]], "out.csv:2: unknown file 'no.wav'"
    yield "case", [good[0], row([*first[:-1], FILES[4].upper()]), *good[2:]], f"it is given as '{FILES[4]}'"
    yield "BOM", ["\ufeff" + good[0], *good[1:]], "out.csv:1: a byte order mark"
    yield "extra query", [*good, row(["another", *first[1:]])], 'out.csv:30: unknown query "another"'
    yield "spaces", [good[0], row([first[0] + " ", *first[1:]]), *good[2:]], "letter by letter, spaces too"
    yield "open quote", [*good[:3], '"' + good[3], *good[4:]], "out.csv:"
    yield "nothing", [], "out.csv:1: the header has 0 columns"


def test_every_defect_of_a_list_is_named_with_its_line(lines):
    for name, text, said in broken_list(lines):
        defects = found("".join(text), 2024)
        assert any(said in defect for defect in defects), (name, defects)


def test_another_encoding_is_named_with_its_line(lines):
    good = lines(2024)
    text = "".join(good).replace("number 4", "numéro 4").encode("latin-1")
    assert found(text, 2024) == ["out.csv:6: byte 0xe9 is not UTF-8; save the file in UTF-8"]


def test_a_query_with_a_line_break_does_not_move_the_lines_after_it():
    texts = ["two\nlines", "plain"]
    expected = Expected(dict.fromkeys(texts, "q"), None)
    good = [row(LIST_HEADER), row([texts[0], *FILES[:10]]), row([texts[1], *FILES[:9], FILES[0]])]
    assert found("".join(good), 2022, expected) == [
        "out.csv:4: duplicate file 'sound, 0.wav' in file_name_1 and file_name_10; a file is found once"
    ]


def broken_matrix(lines):
    good = lines(2025)
    first = cells(good[1])
    yield "missing query", good[:-1], "out.csv: missing query"
    yield (
        "duplicate file",
        [row([*cells(good[0])[:-1], FILES[0]]), *good[1:]],
        ("out.csv:1: 'sound, 0.wav' heads two columns"),
    )
    yield "header", [good[0].replace("index", "query"), *good[1:]], "column 1 is 'query', not 'index'"
    yield "unquoted comma", [*good[:2], good[2].replace('"', ""), *good[3:]], "out.csv:3: 16 columns, not 15: unquoted"
    yield "NaN", [good[0], row([*first[:-1], "nan"]), *good[2:]], "out.csv:2: nan under 'sound 13.wav'"
    yield "infinite", [good[0], row([*first[:-1], "-inf"]), *good[2:]], "out.csv:2: -inf under"
    yield "text", [good[0], row([*first[:-1], "high"]), *good[2:]], "out.csv:2: 'high' under"
    yield "9 columns", [good[0], row(first[:9]), *good[2:]], "out.csv:2: 9 columns, not 15"
    yield "unknown file", [good[0].replace("sound 1.wav", "no.wav"), *good[1:]], "out.csv:1: unknown file 'no.wav'"
    yield "missing file", [row(cells(line)[:-1]) for line in good], "out.csv:1: no column for the file 'sound 13.wav'"
    yield "BOM", ["\ufeff" + good[0], *good[1:]], "out.csv:1: a byte order mark"


def test_every_defect_of_a_matrix_is_named_with_its_line(lines):
    for name, text, said in broken_matrix(lines):
        defects = found("".join(text), 2025)
        assert any(said in defect for defect in defects), (name, defects)


def official(path, relevant):
    """The formula of the 2022 baseline's `eval_script.py`, written down anew: one file answers each caption."""
    import pandas

    listed = {line[0]: list(line[1:]) for line in pandas.read_csv(path).to_numpy()}
    hits = np.array([[name == answer for name in listed[text]] for text, answer in relevant.items()], dtype=float)
    return {
        **{f"R@{cut}": hits[:, :cut].sum(axis=1).mean() for cut in (1, 5, 10)},
        "mAP@10": (hits / np.arange(1, 11)).sum(axis=1).mean(),
    }


def test_a_list_is_scored_as_the_official_script_and_as_hark_eval(tmp_path, asked, scores, known):
    pytest.importorskip("pandas")
    path = tmp_path / "out.csv"
    tables.write(path, edition(2022), TEXTS, FILES, scores)
    report = score(path, edition(2022), asked)
    values = {name: estimate.value for name, estimate in report.metrics.items()}
    assert values == pytest.approx(official(path, {text: FILES[at // 2] for at, text in enumerate(TEXTS)}), abs=1e-12)
    made = Provenance("", "", "", "")
    there = retrieval.measure(scores, questions(asked.clips), made=made, rng=np.random.default_rng(0)).text_to_audio
    assert values == pytest.approx({name: there.metrics[name].value for name in values}, abs=1e-12)
    assert report.made.data == check_hash(asked)


def check_hash(asked):
    from hark.eval.provenance import data_hash

    return data_hash(asked.clips, texts=asked.queries.texts)


def test_its_intervals_are_the_jackknife_of_a_mean(tmp_path, asked, scores):
    """astropy's `jackknife_stats` of a mean is the mean and 1.96 standard errors (Efron 1982), in closed form."""
    path = tmp_path / "out.csv"
    tables.write(path, edition(2022), TEXTS, FILES, scores)
    first = score(path, edition(2022), asked).metrics["R@5"]
    hits = np.array([
        FILES[at // 2] in [FILES[one] for one in np.argsort(-row)[:5]] for at, row in enumerate(scores)
    ])  # fmt: skip
    error = hits.std(ddof=1) / np.sqrt(len(hits))
    assert (first.low, first.high) == pytest.approx((hits.mean() - 1.959964 * error, hits.mean() + 1.959964 * error))


def test_a_matrix_is_scored_with_several_relevant_files(tmp_path, asked, scores):
    """mAP@16 of DCASE 2025's baseline: i / rank summed over ranks up to 16, divided by all relevant files."""
    rng = np.random.default_rng(5)
    told = {text: tuple(rng.choice(FILES, size=rng.integers(1, 13), replace=False)) for text in TEXTS}
    asked = sources.Asked(asked.clips, asked.files, sources.Queries(asked.queries.places, told))
    path = tmp_path / "out.csv"
    tables.write(path, edition(2025), TEXTS, FILES, scores)
    values = []
    for text, line in zip(TEXTS, scores, strict=True):
        order = [FILES[at] for at in np.argsort(-line)]
        ranks = sorted(order.index(name) + 1 for name in told[text])
        values.append(sum((i + 1) / rank for i, rank in enumerate(ranks) if rank <= 16) / len(ranks))
    assert score(path, edition(2025), asked).metrics["mAP@16"].value == pytest.approx(np.mean(values), abs=1e-12)


def test_a_table_with_a_defect_is_not_scored(tmp_path, asked, lines):
    path = tmp_path / "out.csv"
    path.write_text("".join(lines(2024)[:-2]), encoding="utf-8")
    with pytest.raises(DataError, match=r"out.csv: missing query .* \(and 2 more"):
        score(path, edition(2024), asked)


def test_relevance_of_2025_is_read_from_its_file(tmp_path):
    path = tmp_path / "metadata_eval.csv"
    path.write_text("query,audio_filenames\n\"a, b\",\"['x.wav', 'y, z.wav']\"\nc,['x.wav']\n", encoding="utf-8")
    queries = sources.read_queries(path)
    assert queries.relevant == {"a, b": ("x.wav", "y, z.wav"), "c": ("x.wav",)}
    assert queries.places["c"] == "metadata_eval.csv:3"
    path.write_text("query,audio_filenames\na,__import__('os').getcwd()\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"metadata_eval\.csv:2: audio_filenames"):
        sources.read_queries(path)


def test_queries_keep_every_letter(tmp_path):
    path = tmp_path / "clotho_captions_evaluation.csv"
    header = "file_name," + ",".join(f"caption_{n}" for n in range(1, 6))
    path.write_text(f'{header}\n x.wav, spaced ,"a, b",c,d,e\n', encoding="utf-8")
    queries = sources.read_queries(path)
    assert queries.texts == (" spaced ", "a, b", "c", "d", "e")
    assert queries.relevant["c"] == (" x.wav",)


def test_a_folder_as_published_is_read(tmp_path):
    (tmp_path / "retrieval_audio").mkdir()
    for name in ("b.wav", "a.wav", "notes.txt"):
        (tmp_path / "retrieval_audio" / name).touch()
    (tmp_path / "retrieval_captions.csv").write_text('caption\none\n"two, three"\n', encoding="utf-8")
    asked = sources.from_folder(tmp_path)
    assert (asked.files, asked.queries.texts, asked.queries.relevant) == (
        ("a.wav", "b.wav"),
        ("one", "two, three"),
        None,
    )
    with pytest.raises(DataError, match=r"retrieval_captions\.csv and retrieval_audio/ or clotho"):
        sources.from_folder(tmp_path / "retrieval_audio")


def test_two_files_of_one_name_are_refused(tmp_path):
    manifest = tmp_path / "m.jsonl"
    lines = [{"id": f"{n}/a.wav", "path": f"{n}/a.wav", "captions": [f"{n}"]} for n in range(2)]
    manifest.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    with pytest.raises(DataError, match=r"both called 'a\.wav'"):
        sources.from_manifest(manifest)


def test_the_published_name_is_taken_where_sounds_were_prepared_anew(tmp_path):
    manifest = tmp_path / "m.jsonl"
    line = {"id": "evaluation/ a, b.wav", "path": "audio/00.flac", "captions": ["x"]}
    manifest.write_text(json.dumps(line), encoding="utf-8")
    assert sources.from_manifest(manifest).files == (" a, b.wav",)
    assert sources.read_files(manifest) == (" a, b.wav",)


def test_a_score_that_is_not_finite_or_too_few_files_are_not_written(tmp_path, scores):
    scores[2, 3] = np.nan
    with pytest.raises(WeightsError, match="number 2"):
        tables.write(tmp_path / "x.csv", edition(2024), TEXTS, FILES, scores)
    with pytest.raises(DataError, match="9 files"):
        tables.write(tmp_path / "x.csv", edition(2024), TEXTS, FILES[:9], np.zeros((len(TEXTS), 9)))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("team", ["Doe", "Doe_", "Döe_HARK", "Doe_HARK_task8", "../x_y", "Doe HARK"])
def test_a_team_that_is_no_name_of_a_file_is_refused(team):
    with pytest.raises(SettingError, match="LASTNAME_INSTITUTE"):
        Names(edition(2024), team)


@pytest.fixture
def system(known, asked, scores, monkeypatch):
    """A model called "known" that gives the scores: texts are unit vectors, sounds are what they score."""
    wide = np.eye(len(TEXTS) + 1)
    sounds = {}
    for at, name in enumerate(FILES):
        own = np.append(scores[:, at] / 20, 0.0)
        own[-1] = np.sqrt(1 - (own**2).sum())
        sounds[name.removesuffix(".wav")] = own
    model = known(dict(zip(TEXTS, wide, strict=False)), sounds)
    monkeypatch.setattr(load, "load", lambda name, **_: {"known": model}[name])
    return "known"


def test_a_submission_is_written_packed_and_good(tmp_path, asked, scores, system):
    fields = {"submission.authors": authors(["Jane Mary Doe <jane@example.org>", "Max Roe"], "HARK")}
    report = tmp_path / "paper.pdf"
    report.write_bytes(b"%PDF-1.7")
    names = Names(edition(2024), TEAM, 2)
    made = submit(names, system, asked, tmp_path / "out", about=fields, report=report, command="hark submit")
    assert (made.made.model, made.made.command) == ("known", "hark submit")
    assert made.score is not None
    assert [defect for defect in made.left if not defect.note] == []
    told = yaml.safe_load(made.metadata.read_text(encoding="utf-8"))
    assert told["submission"]["label"] == "Doe_HARK_task8_2"
    assert [author["lastname"] for author in told["submission"]["authors"]] == ["Doe", "Roe"]
    assert told["results"]["development_evaluation"]["mAP10"] == round(made.score.metrics["mAP@10"].value, 4)
    inside = zipfile.ZipFile(made.package).namelist()
    folder = "task8/Doe_HARK_task8_2"
    assert inside == [
        f"{folder}/Doe_HARK_task8_2.output.csv",
        f"{folder}/Doe_HARK_task8_2.meta.yaml",
        f"{folder}/Doe_HARK_task8_2.technical_report.pdf",
    ]
    assert made.output.read_text(encoding="utf-8").splitlines()[1:] != []
    before = made.package.read_bytes()
    assert pack(tmp_path / "out", names).read_bytes() == before  # the same files, the same zip
    submit(Names(edition(2024), TEAM, 1), system, asked, tmp_path / "out", about=fields)
    assert len(zipfile.ZipFile(made.package).namelist()) == 5
    assert not list((tmp_path / "out").rglob("*.part"))


def test_names_of_the_first_editions(tmp_path, asked, system):
    made = submit(Names(edition(2022), TEAM), system, asked, tmp_path)
    assert made.output.relative_to(tmp_path).as_posix() == (
        "Doe_HARK_task6b_submission_1/Doe_HARK_task6b_submission_1.output.csv"
    )


def test_the_defects_of_a_package(tmp_path, asked, system):
    fields = {"submission.authors": authors(["Jane Doe <jane@example.org>"], "HARK")}
    made = submit(Names(edition(2025), TEAM), system, asked, tmp_path, about=fields)
    inside = {entry: zipfile.ZipFile(made.package).read(entry) for entry in zipfile.ZipFile(made.package).namelist()}
    output, described = inside
    path = tmp_path / "broken.zip"

    def defects(change):
        changed = change(dict(inside))
        with zipfile.ZipFile(path, "w") as package:
            for name, data in changed.items():
                package.writestr(name, data)
        return [str(one) for one in check_package(path, edition(2025), EXPECTED) if not one.note]

    assert defects(lambda files: files) == []
    for change, said in (
        (lambda files: {output: files[output]}, "no 'task6/Doe_HARK_task6_1/Doe_HARK_task6_1.meta.yaml'"),
        (lambda files: {described: files[described]}, "no system's output in it"),
        (lambda files: {name.removeprefix("task6/"): files[name] for name in files}, "its place is 'task6/"),
        (lambda files: files | {"../evil": b""}, "lies outside the package"),
        (lambda files: files | {"x/y.txt": b""}, "'x/y.txt' belongs to no system"),
        (lambda files: files | {output: files[output].replace(b"index", b"caption")}, f"{output}:1: wrong header"),
        (lambda files: files | {described: files[described].replace(b"task6_1", b"task6_3")}, "not 'Doe_HARK_task6_1'"),
        (lambda files: {output.replace("_1.out", "_7.out"): files[output]}, "is not called LASTNAME_INSTITUTE_task6_"),
    ):
        found = defects(change)
        assert any(said in one for one in found), (said, found)
    path.write_bytes(b"PK no zip")
    with pytest.raises(DataError, match="cannot be opened as a zip"):
        check_package(path, edition(2025), EXPECTED)


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("  name: x", "  name:\tx\n  - y", "m.yaml:"),
        (
            "  abbreviation: x",
            "  abbreviation: much longer",
            "m.yaml:10: submission.abbreviation: 'much longer' has 11",
        ),
        ("corresponding: true", "corresponding: false", "0 corresponding authors"),
        ("    email: jane@example.org\n", "", "the corresponding author has no email"),
        ("ensemble: null", "ensemble: perhaps", "system.description.ensemble: 'perhaps'; give true or false"),
        ("total_parameters: null", "total_parameters: 5M", "total_parameters: '5M'; give a number"),
        ("  label: Doe_HARK_task8_1", "  label: Roe_HARK_task8_1", "m.yaml:6: submission.label is 'Roe_HARK_task8_1'"),
    ],
)
def test_the_defects_of_metadata(before, after, said):
    told = {
        "submission.name": "x",
        "submission.abbreviation": "x",
        "submission.authors": authors(["Jane Doe <jane@example.org>"], "HARK"),
    }
    names = Names(edition(2024), TEAM)
    good = metadata.write(names, told)
    assert [one for one in metadata.check(good, "m.yaml", label=names.label) if not one.note] == []
    assert before in good
    found = [str(one) for one in metadata.check(good.replace(before, after), "m.yaml", label=names.label)]
    assert any(said in one for one in found), found


def test_what_is_told_of_a_system_is_read_strictly(tmp_path):
    path = tmp_path / "about.toml"
    path.write_text('[system.description]\nloss_function = "infonce"\n', encoding="utf-8")
    assert metadata.read_about(path) == {"system.description.loss_function": "infonce"}
    path.write_text('[system.description]\nlos_function = "infonce"\n', encoding="utf-8")
    with pytest.raises(SettingError, match=r"did you mean 'system\.description\.loss_function'"):
        metadata.read_about(path)


def test_a_year_without_the_task_is_refused():
    with pytest.raises(SettingError, match="2022, 2023, 2024, 2025"):
        edition(2021)
