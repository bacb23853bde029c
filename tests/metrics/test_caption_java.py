"""Java programs for caption metrics: what is said when they are missing, and that none is left running.

`java` is a stand-in here, a script of Python; the real METEOR is measured in test_caption_reference.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pytest

from hark.core.errors import HarkError
from hark.metrics import java, meteor, spice
from hark.metrics.captioning import caption_metrics
from hark.metrics.java import Missing

CANDIDATES = ["a dog barks", "rain ||| falls\nhard"]
REFERENCES = [["a dog is barking"], ["rain falls", "heavy rain"]]

METEOR = """
heard = []
for line in sys.stdin:
    heard.append(line.rstrip("\\n"))
    parts = line.rstrip("\\n").split(" ||| ")
    if parts[0] == "SCORE":
        print(len(parts), len(line), flush=True)
    else:
        for part in parts[1:]:
            print(float(part.split()[0]) / 10)
        print(0.75, flush=True)
"""
SPICE = """
import json
assert sys.argv[-5:] == ["captions.json", "-out", "scores.json", "-subset", "-silent"]
told = json.load(open("captions.json"))
values = [0.5, None]
found = [{"image_id": item["image_id"], "scores": {"All": {"f": value}}} for item, value in zip(told, values)]
json.dump(found[::-1], open("scores.json", "w"))
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with no Java and no pycocoevalcap, and a folder for the programs that is not there yet."""
    monkeypatch.setattr(java, "find_spec", lambda name: None)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("HARK_CAPTION_JARS", str(tmp_path / "jars"))
    monkeypatch.setenv("TMPDIR", str(tmp_path / "scratch"))
    monkeypatch.setattr("tempfile.tempdir", None)
    (tmp_path / "scratch").mkdir()
    return tmp_path


def with_java(place: Path, does: str, *, version: str = "11.0.2") -> None:
    script = place / "bin" / "java"
    script.parent.mkdir(exist_ok=True)
    told = f"""if sys.argv[1:] == ["-version"]:\n    sys.exit('openjdk version "{version}"')\n"""
    started = f"open({str(place / 'process')!r}, 'w').write(str(os.getpid()))\n"
    script.write_text(f"#!{sys.executable}\nimport os, sys, time\n{told}{started}{does}")
    script.chmod(0o755)


def with_jars(place: Path, program: java.Program) -> None:
    for name in program.files:
        path = place / "jars" / program.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def gone(place: Path) -> bool:
    """Whether the stand-in has ended, and its folder is deleted."""
    try:
        os.kill(int((place / "process").read_text()), 0)
    except ProcessLookupError:
        return not list((place / "scratch").iterdir())
    return False


@pytest.mark.parametrize("metric", [meteor, spice])
def test_all_that_is_missing_is_told_at_once(place: Path, metric) -> None:
    with pytest.raises(Missing, match=r"no 'java' on PATH.*no .*-1..?.jar.*HARK_CAPTION_JARS") as told:
        metric.check()
    assert "\n" not in str(told.value)
    assert "pip install pycocoevalcap" in str(told.value)


def test_the_missing_file_is_named(place: Path) -> None:
    with_java(place, "")
    with_jars(place, spice.PROGRAM)
    spice.check()
    (place / "jars/spice/lib/stanford-corenlp-3.6.0-models.jar").unlink()
    with pytest.raises(Missing, match=r"no lib/stanford-corenlp-3.6.0-models.jar in .*/jars/spice: .*2015-12-09.zip"):
        spice.check()


def test_nothing_is_said_of_a_folder_where_there_is_none(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HARK_CAPTION_JARS")
    with pytest.raises(Missing, match="HARK_CAPTION_JARS is not set and pycocoevalcap is not installed"):
        meteor.check()


@pytest.mark.parametrize(("version", "fits"), [("1.8.0_292", True), ("14.0.1", True), ("17.0.15", False)])
def test_spice_needs_a_java_that_knows_javascript(place: Path, version: str, fits: bool) -> None:
    with_java(place, "", version=version)
    with_jars(place, spice.PROGRAM)
    if fits:
        spice.check()
    else:
        with pytest.raises(Missing, match=r"is Java 17, .*set JAVA_HOME to a Java of 8 to 14"):
            spice.check()


def test_nothing_is_measured_where_a_program_is_missing(place: Path) -> None:
    for name in ("METEOR", "SPICE"):
        with pytest.raises(Missing, match=name):
            caption_metrics(CANDIDATES, REFERENCES, also=[name])


def test_meteor_is_asked_and_ended(place: Path) -> None:
    with_java(place, METEOR)
    with_jars(place, meteor.PROGRAM)
    found = meteor.meteor(CANDIDATES, REFERENCES)
    assert found.corpus == 0.75
    np.testing.assert_allclose(found.per_clip, [0.3, 0.4])  # as many parts as there are texts, and SCORE: no more
    assert gone(place)


def test_spice_is_asked_and_its_answers_are_put_in_order(place: Path) -> None:
    with_java(place, SPICE)
    with_jars(place, spice.PROGRAM)
    np.testing.assert_array_equal(spice.spice(CANDIDATES, REFERENCES), [0.5, np.nan])
    assert gone(place)


def test_spider_is_the_mean_of_cider_d_and_spice(place: Path) -> None:
    with_java(place, SPICE.replace("None", "0.25"))
    with_jars(place, spice.PROGRAM)
    whole, clips = caption_metrics(CANDIDATES, REFERENCES, also=["SPICE"], errors=[0.95, 0.1])
    np.testing.assert_allclose(clips["SPIDEr"], (clips["CIDEr-D"] + [0.5, 0.25]) / 2)
    np.testing.assert_allclose(clips["SPIDEr-FL"], clips["SPIDEr"] * [0.1, 1])
    assert whole["SPIDEr-FL"] == pytest.approx(clips["SPIDEr-FL"].mean())


@pytest.mark.parametrize(
    ("does", "message"),
    [
        ("sys.exit('Exception in thread \"main\" java.lang.OutOfMemoryError: Java heap space')", "OutOfMemoryError"),
        ("sys.exit(3)", "Java ended with 3: it said nothing"),
        ("[print('no number', flush=True) for _ in range(9)]; time.sleep(60)", "no number"),
    ],
)
def test_what_fails_is_told(place: Path, does: str, message: str) -> None:
    with_java(place, does)
    with_jars(place, meteor.PROGRAM)
    with pytest.raises(HarkError, match=message):
        meteor.meteor(CANDIDATES, REFERENCES)
    assert gone(place)


@pytest.mark.parametrize("metric", [meteor.meteor, spice.spice])
def test_what_is_late_is_stopped(place: Path, metric) -> None:
    with_java(place, "time.sleep(60)")
    with_jars(place, meteor.PROGRAM)
    with_jars(place, spice.PROGRAM)
    with pytest.raises(HarkError, match="not ready after 1 s"):
        metric(CANDIDATES * 20000, REFERENCES * 20000, timeout_s=1)  # more than a pipe holds
    assert gone(place)


def test_spice_that_writes_nothing_is_told(place: Path) -> None:
    with_java(place, "")
    with_jars(place, spice.PROGRAM)
    with pytest.raises(HarkError, match="wrote no scores"):
        spice.spice(CANDIDATES, REFERENCES)
