"""`hark submit` and `hark reproduce` as they are typed."""

import json
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from hark.cli.main import app
from hark.core.errors import SettingError
from hark.data import manifest
from hark.data.corpora import synth


@pytest.fixture(scope="module")
def on(tmp_path_factory):
    """A manifest of 12 synthesised scenes."""
    folder = tmp_path_factory.mktemp("synth")
    clips = synth.Config(clips=12, scenes=True, duration_s=2.0, path=str(folder / "sounds")).build()
    manifest.write(folder / "clips.jsonl", clips)
    return folder / "clips.jsonl"


def hark(*words):
    return CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)


def test_a_submission_from_model_to_score(on, tmp_path):
    out = tmp_path / "out"
    made = hark(
        "submit", "2024", "--system", "mini", "--on", on, "--out", out,
        "--author", "Jane Doe <jane@example.org>", "--institute", "HARK",
    )  # fmt: skip
    assert made.exit_code == 0
    table = out / "task8" / "Doe_HARK_task8_1" / "Doe_HARK_task8_1.output.csv"
    good = hark("submit", "check", out / "Doe_HARK_task8.zip", "--year", 2024, "--queries", on, "--files", on)
    assert good.exit_code == 0
    assert good.stdout.splitlines()[-1].endswith(": good for DCASE 2024 task 8")
    scored = json.loads(hark("submit", "score", table, "--on", on, "--json").stdout)
    evaluated = json.loads(hark("eval", "mini", "--on", on, "--json").stdout)["text_to_audio"]["metrics"]
    for name, estimate in scored["metrics"].items():
        assert estimate["value"] == pytest.approx(evaluated[name]["value"], abs=1e-12)
    assert scored["made"]["command"].startswith("hark")

    lines = table.read_text(encoding="utf-8").splitlines(keepends=True)
    table.write_text("".join(lines[:-1]), encoding="utf-8")
    bad = hark("submit", "check", table, "--year", 2024, "--queries", on, "--files", on)
    assert bad.exit_code == 1
    assert "missing query" in bad.stdout
    told = json.loads(hark("submit", "check", table, "--year", 2024, "--queries", on, "--json").stdout)
    assert len(told["defects"]) == 2


def test_a_matrix_is_known_by_its_header(on, tmp_path):
    assert (
        hark("submit", "2025", "--system", "mini", "--on", on, "--out", tmp_path, "--label", "Doe_HARK").exit_code == 0
    )
    table = tmp_path / "task6" / "Doe_HARK_task6_1" / "Doe_HARK_task6_1.output.csv"
    printed = hark("submit", "score", table, "--on", on).stdout
    assert "scored as DCASE 2025 task 6" in printed
    assert "mAP@16" in printed


def test_what_is_asked_wrongly_is_told(on, tmp_path):
    with pytest.raises(SettingError, match="--on MANIFEST or --data DIR"):
        hark("submit", "2024", "--system", "mini", "--out", tmp_path, "--label", "Doe_HARK")
    with pytest.raises(SettingError, match="whose submission"):
        hark("submit", "2024", "--system", "mini", "--on", on, "--out", tmp_path)
    with pytest.raises(SettingError, match="corresponding author"):
        hark("submit", "2024", "--system", "mini", "--on", on, "--out", tmp_path, "--author", "Jane Doe")
    with pytest.raises(SettingError, match="give names, or --all"):
        hark("reproduce")


def test_reproduce_prints_a_verdict_for_each_number(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    printed = hark("reproduce", "sjtu-2022/wlcnn14-bert").stdout
    assert "ok      sjtu-2022/wlcnn14-bert: parameters: published 192000000, counted 192353537" in printed
    assert "train it: hark train sjtu-2022/wlcnn14-bert; and data/clotho: no such folder" in printed
    assert printed.splitlines()[-1].startswith("1 ok, 0 near, 0 off, ")
    told = json.loads(hark("reproduce", "sjtu-2022/wlcnn14-bert", "--json").stdout)
    assert told["counts"]["ok"] == 1
    assert {row["verdict"] for row in told["rows"]} == {"ok", "cannot"}


def test_the_commands_import_nothing_heavy():
    code = "import sys, hark.cli.submit, hark.cli.reproduce; print({'torch', 'numpy', 'yaml'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"
