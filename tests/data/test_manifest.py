"""Manifests and tables: what was written is read back, the csv and json modules agree, and errors name the line."""

import csv
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hark.core.errors import DataError, SettingError
from hark.data import manifest
from hark.data.manifest import Query, parse_where, read, read_queries, write
from hark.data.records import Clip

texts = st.text(min_size=1, max_size=12).filter(str.strip)
names = st.text(st.characters(exclude_characters="/\0\\", exclude_categories=["Cs"]), min_size=1, max_size=12).filter(
    lambda name: name.strip() and name.strip(".")
)
TAKEN = {"id", "path", "caption", "captions", "label", "labels", "start_s", "duration_s"}
keys = st.text(min_size=1, max_size=8).filter(lambda key: key not in TAKEN and not key.startswith("caption_"))


@st.composite
def clips(draw, folder):
    seconds = st.floats(0.001, 1e6)
    return Clip(
        id=draw(texts),
        path=folder / draw(names),
        captions=tuple(draw(st.lists(texts, max_size=3))),
        labels=tuple(draw(st.lists(texts, max_size=3))),
        start_s=draw(st.just(0.0) | seconds),
        duration_s=draw(st.none() | seconds),
        extra=draw(st.dictionaries(keys, st.text(max_size=8), max_size=3)),
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("manifests")


def put(folder, text, name="sounds.jsonl"):
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@given(data=st.data())
def test_what_was_written_is_read_back(folder, data):
    made = data.draw(st.lists(clips(folder), min_size=1, max_size=4, unique_by=lambda clip: clip.id))
    write(folder / "round.jsonl", made)
    assert read(folder / "round.jsonl") == made
    assert not [file for file in folder.iterdir() if file.suffix == ".part"]


def test_the_json_module_reads_what_was_written(tmp_path):
    inside, outside = tmp_path / "a" / "dog.wav", tmp_path.parent / "cat.wav"
    clip = Clip("1", inside, ("ein Hund bellt \u2028 laut",), ("dog",), 1.5, 2.0, {"fold": "4"})
    write(tmp_path / "m.jsonl", [clip, Clip("2", outside)])
    lines = (tmp_path / "m.jsonl").read_text(encoding="utf-8").removesuffix("\n").split("\n")
    assert [json.loads(line) for line in lines] == [
        {
            "id": "1",
            "path": "a/dog.wav",
            "captions": ["ein Hund bellt \u2028 laut"],
            "labels": ["dog"],
            "start_s": 1.5,
            "duration_s": 2.0,
            "fold": "4",
        },
        {"id": "2", "path": outside.as_posix(), "captions": [], "labels": []},
    ]
    assert "ein Hund" in lines[0]
    assert read(tmp_path / "m.jsonl")[0] == clip


def test_a_relative_path_elsewhere_is_found_again(tmp_path, monkeypatch):
    (tmp_path / "lists").mkdir()
    monkeypatch.chdir(tmp_path)
    write(Path("lists/m.jsonl"), [Clip("1", Path("sounds/dog.wav")), Clip("2", Path("lists/cat.wav"))])
    first, second = read(Path("lists/m.jsonl"))
    assert first.path == tmp_path / "sounds" / "dog.wav"
    assert second.path == Path("lists/cat.wav")


def test_a_name_that_is_not_utf8_survives(tmp_path):
    odd = Clip("1", tmp_path / "caf\udce9.wav", ("é",))
    write(tmp_path / "m.jsonl", [odd])
    assert read(tmp_path / "m.jsonl") == [odd]


def test_a_failed_write_leaves_the_old_manifest(tmp_path):
    write(tmp_path / "m.jsonl", [Clip("1", tmp_path / "a.wav")])
    before = (tmp_path / "m.jsonl").read_bytes()
    with pytest.raises(DataError, match=r"m\.jsonl: two clips have the id '2'"):
        write(tmp_path / "m.jsonl", [Clip("2", tmp_path / "a.wav"), Clip("2", tmp_path / "b.wav")])
    assert (tmp_path / "m.jsonl").read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize(
    "clip",
    [
        Clip("1", Path("a.wav"), extra={"caption": "x"}),
        Clip("1", Path("a.wav"), extra={"caption_2": "x"}),
        Clip("1", Path("a.wav"), extra={"id": "x"}),
        Clip("1", Path("a.wav"), start_s=1.0, extra={"duration_s": "5"}),
    ],
)
def test_an_extra_that_would_be_read_as_something_else_is_refused(tmp_path, clip):
    with pytest.raises(DataError, match=f"an extra cannot be named '{next(iter(clip.extra))}'"):
        write(tmp_path / "m.jsonl", [clip])


def test_other_endings_are_refused(tmp_path):
    with pytest.raises(DataError, match=r"name it m\.jsonl"):
        write(tmp_path / "m.csv", [])
    with pytest.raises(DataError, match=r"give a \.jsonl, \.json, \.csv or \.tsv"):
        read(put(tmp_path, "x", "m.parquet"))


cells = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)


@pytest.mark.parametrize(("suffix", "delimiter"), [(".csv", ","), (".tsv", "\t")])
@given(
    table=st.lists(st.tuples(names, cells, cells, cells), min_size=1, max_size=5, unique_by=lambda row: row[0].strip())
)
def test_tables_are_read_as_the_csv_module_reads_them(folder, suffix, delimiter, table):
    path = folder / f"table{suffix}"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter=delimiter).writerows([("file", "caption", "label", "licence"), *table])
    with path.open(encoding="utf-8", newline="") as file:
        expected = [
            {key: cell.strip() for key, cell in row.items()} for row in csv.DictReader(file, delimiter=delimiter)
        ]
    found = read(path)
    assert [clip.id for clip in found] == [row["file"] for row in expected]
    assert [clip.path for clip in found] == [folder / row["file"] for row in expected]
    assert [clip.captions for clip in found] == [(row["caption"],) if row["caption"] else () for row in expected]
    assert [clip.labels for clip in found] == [(row["label"],) if row["label"] else () for row in expected]
    assert [clip.extra.get("licence", "") for clip in found] == [row["licence"] for row in expected]


def test_the_names_that_a_table_may_use(tmp_path):
    text = "file_name,caption_10,caption_2,caption,labels,id,fold\na.wav,ten,two,one,dog; cat,x1,\n"
    (clip,) = read(put(tmp_path, text, "t.csv"))
    assert clip == Clip("x1", tmp_path / "a.wav", ("one", "two", "ten"), ("dog", "cat"))


def test_rows_of_one_sound_are_one_clip(tmp_path):
    text = 'file,caption,label,who\na.wav,"a dog, loud",dog,Ann\nb.wav,rain,,Bo\na.wav,barking,animal,Cy\n'
    first, second = read(put(tmp_path, text, "t.csv"))
    assert first == Clip(
        "a.wav", tmp_path / "a.wav", ("a dog, loud", "barking"), ("dog", "animal"), extra={"who": "Ann"}
    )
    assert second.captions == ("rain",)


def test_a_duration_alone_is_only_told(tmp_path):
    told, stretch = read(put(tmp_path, "id,file,start_s,duration_s\na,a.wav,,4.000\nb,a.wav,1.5,2\n", "t.csv"))
    assert (told.start_s, told.duration_s, told.extra) == (0.0, None, {"duration_s": "4.000"})
    assert (stretch.start_s, stretch.duration_s, stretch.extra) == (1.5, 2.0, {})


def test_a_byte_order_mark_and_windows_line_ends_are_nothing(tmp_path):
    for name, text in (("t.csv", "file,label\r\na.wav,dog\r\n"), ("t.jsonl", '{"path":"a.wav","label":"dog"}\r\n\r\n')):
        (clip,) = read(put(tmp_path, b"\xef\xbb\xbf" + text.encode(), name))
        assert clip == Clip("a.wav", tmp_path / "a.wav", (), ("dog",))


@pytest.mark.parametrize(
    "document",
    [
        [{"file": "a.wav", "captions": ["x", "y"]}],
        {"a.wav": ["x", "y"]},
        {"a.wav": {"caption_1": "x", "caption_2": "y"}},
    ],
)
def test_json_tables(tmp_path, document):
    found = read(put(tmp_path, json.dumps(document), "t.json"))
    assert found == [Clip("a.wav", tmp_path / "a.wav", ("x", "y"))]


def test_other_values_are_kept_as_text(tmp_path):
    line = '{"path": "/x/a.wav", "file": "b", "fold": 4, "ok": true, "none": null, "tags": ["a", "é"]}'
    (clip,) = read(put(tmp_path, line))
    assert clip == Clip(
        "/x/a.wav", Path("/x/a.wav"), extra={"file": "b", "fold": "4", "ok": "true", "tags": '["a", "é"]'}
    )


def test_paths_may_lie_in_another_folder(tmp_path):
    assert read(put(tmp_path, '{"path": "a.wav"}'), folder=tmp_path / "audio")[0].path == tmp_path / "audio" / "a.wav"


WHERE = 'id,file,set,fold,label\n1,a,esc,1,dog\n2,b,esc,2,"dog, big"\n3,c,us8k,1,cat\n4,d,us8k,,cat\n'


@pytest.mark.parametrize(
    ("where", "kept"),
    [
        ({}, "1234"),
        ({"set": "esc"}, "12"),
        ({"set": "esc", "fold": "1"}, "1"),
        ({"fold": "1,2"}, "123"),
        ({"fold": " 1 , 2 "}, "123"),
        ({"fold": "!=1"}, "24"),
        ({"fold": "!=1,2"}, "4"),
        ({"fold": ""}, "4"),
        ({"fold": "!="}, "123"),
        ({"label": "dog, big"}, "2"),
        ({"fold": 1}, "13"),
    ],
)
def test_where(tmp_path, where, kept):
    assert "".join(clip.id for clip in read(put(tmp_path, WHERE, "t.csv"), where=where)) == kept


def test_where_in_json_looks_into_lists(tmp_path):
    path = put(tmp_path, '{"path":"a","labels":["dog","cat"],"fold":4}\n{"path":"b","labels":[]}\n')
    assert [clip.id for clip in read(path, where={"labels": "cat"})] == ["a"]
    assert [clip.id for clip in read(path, where={"fold": "4"})] == ["a"]
    assert [clip.id for clip in read(path, where={"labels": ""})] == ["b"]


def test_where_errors_teach(tmp_path):
    path = put(tmp_path, WHERE, "t.csv")
    with pytest.raises(DataError, match=r"t\.csv: where 'flod': no such column; did you mean 'fold'\?"):
        read(path, where={"flod": "1"})
    with pytest.raises(DataError, match=r"t\.csv: no row where fold=9; found: '', '1', '2'"):
        read(path, where={"fold": "9"})
    with pytest.raises(DataError, match=r"no row where set=esc and fold!=1,2"):
        read(path, where={"set": "esc", "fold": "!=1,2"})


def test_parse_where():
    assert parse_where([]) == {}
    assert parse_where(["set=esc50", "fold!=4", "title=a=b", "x = 1,2", "caption!="]) == {
        "set": "esc50",
        "fold": "!=4",
        "title": "a=b",
        "x": "1,2",
        "caption": "!=",
    }


@pytest.mark.parametrize("conditions", [["fold"], ["=4"], ["!=4"], [""], ["fold=4", "fold=5"]])
def test_parse_where_refuses_nonsense(conditions):
    with pytest.raises(SettingError, match="where '"):
        parse_where(conditions)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("m.jsonl", '{"path": "a"}\n\n{"file": ""}', r"m\.jsonl:3: no 'path'; give the sound's file as path or file"),
        ("m.jsonl", '{"path": 3}', r"m\.jsonl:1: no 'path'"),
        ("m.jsonl", '{"path": "a"}\n{"path": ', r"m\.jsonl:2: not JSON \(.*column 10\)"),
        ("m.jsonl", '["a"]', r"m\.jsonl:1: list; give an object"),
        ("m.jsonl", '{"path": "a", "captions": 3}', r"m\.jsonl:1: 'captions' is 3; give a text or a list of texts"),
        ("m.jsonl", '{"path": "a", "labels": ["x", 3]}', r"m\.jsonl:1: 'labels' is"),
        ("m.jsonl", '{"path": "a", "id": 7}', r"m\.jsonl:1: 'id' is 7; give a text"),
        ("m.jsonl", '{"path": "a", "start_s": true}', r"m\.jsonl:1: 'start_s' is True; give seconds"),
        ("m.jsonl", '{"path": "a", "start_s": NaN}', r"m\.jsonl:1: 'start_s' is nan"),
        ("m.jsonl", '{"path": "a", "start_s": -1}', r"m\.jsonl:1: 'start_s' is -1"),
        ("m.jsonl", '{"path": "a", "start_s": 0, "duration_s": 0}', r"m\.jsonl:1: 'duration_s' is 0"),
        ("m.jsonl", '{"path": "a"}\n{"path": "b"}\n{"path": "a"}', r"m\.jsonl:3: 'a' stands at m\.jsonl:1 already"),
        ("m.jsonl", '{"path": "a", "captions": ["x"]}\n{"path": "a", "captions": ["y"]}', r"m\.jsonl:2: 'a' stands"),
        ("m.jsonl", b'{"path": "a"}\n{"path": "\xe9"}', r"m\.jsonl:2: not UTF-8"),
        ("m.jsonl", "\n", r"m\.jsonl: nothing in it"),
        ("t.csv", "file,label\n", r"t\.csv: nothing in it"),
        ("t.csv", "name,label\na,b\n", r"t\.csv:2: no 'path'.*found: name, label"),
        ("t.csv", 'file,caption\na,"x\ny"\nb,a dog, barks\n', r"t\.csv:4: 3 cells under 2 columns"),
        ("t.csv", "file,label\na\n", r"t\.csv:2: 1 cells under 2"),
        ("t.csv", 'file,label\na,b\nc,"d', r"t\.csv:3: unexpected end of data"),
        ("t.csv", "file,label,file\na,b,c\n", r"t\.csv:1: two columns are named 'file'"),
        ("t.csv", "file,label\na,dog\na,dog\n", r"t\.csv:3: 'a' stands at t\.csv:2 already"),
        ("t.csv", "id,file,caption\n1,a,x\n1,b,y\n", r"t\.csv:3: '1' stands at t\.csv:2 already"),
        ("t.csv", "file,start_s\na,soon\n", r"t\.csv:2: 'start_s' is 'soon'"),
        ("t.json", "[1]", r"t\.json: entry 1: int"),
        ("t.json", '"x"', r"t\.json: str; give a list"),
        ("t.json", "{\n  x", r"t\.json: not JSON \(.*line 2, column 3\)"),
        ("t.json", '{"a.wav": 5}', r"t\.json: entry 1: 'captions' is 5"),
    ],
)
def test_errors_name_the_line(tmp_path, name, text, message):
    with pytest.raises(DataError, match=message) as caught:
        read(put(tmp_path, text, name))
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(DataError, match=r"none\.jsonl: cannot be read \(No such file"):
        read(tmp_path / "none.jsonl")


def test_files_that_are_listed_must_be_there(tmp_path):
    (tmp_path / "a.wav").touch()
    manifest.require_files([Clip("a", tmp_path / "a.wav")], tmp_path / "t.csv")
    with pytest.raises(DataError, match=r"t\.csv: 2 files are listed but not there, first .*b\.wav"):
        manifest.require_files([Clip(x, tmp_path / f"{x}.wav") for x in "abc"], tmp_path / "t.csv")


def test_queries(tmp_path):
    path = put(
        tmp_path, '{"query": "a dog", "relevant": ["1", "2"], "note": "x"}\n{"query": "rain", "relevant": ["3"]}\n'
    )
    assert read_queries(path) == [Query("a dog", ("1", "2")), Query("rain", ("3",))]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"relevant": ["1"]}', r"q\.jsonl:1: no 'query'"),
        ('{"query": " ", "relevant": ["1"]}', r"q\.jsonl:1: no 'query'"),
        ('{"query": "x", "relevant": "1"}', r"q\.jsonl:1: no 'relevant'; give a list"),
        ('{"query": "x", "relevant": []}', r"q\.jsonl:1: no 'relevant'"),
        ('{"query": "x", "relevant": [1]}', r"q\.jsonl:1: no 'relevant'"),
    ],
)
def test_query_errors_name_the_line(tmp_path, line, message):
    with pytest.raises(DataError, match=message):
        read_queries(put(tmp_path, line, "q.jsonl"))
