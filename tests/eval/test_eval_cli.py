import json
import subprocess
import sys

import pytest
import typer
from typer.testing import CliRunner

from hark.cli.eval import evaluate
from hark.cli.zeroshot import zeroshot
from hark.core.errors import SettingError
from hark.data import manifest
from hark.runtime import load


@pytest.fixture
def hark(known, clip, tmp_path, monkeypatch):
    """Runs a command on a small manifest, with a model that knows its texts and sounds."""
    sentences = {"cat": [1, 0], "dog": [0, 1], "hear cat": [1, 0], "hear dog": [0, 1], "a cat": [1, 0], "a dog": [0, 1]}
    clips = [clip(f"{label}{i}", [f"a {label}"], [label]) for label in ("cat", "dog") for i in range(3)]
    model = known(sentences, {c.id: sentences[c.labels[0]] for c in clips})
    monkeypatch.setattr(load, "load", lambda name: {"known": model}[name])
    manifest.write(tmp_path / "clips.jsonl", clips)

    app = typer.Typer()
    app.command("eval")(evaluate)
    app.command("zeroshot")(zeroshot)

    def run(command, *words):
        on = str(tmp_path / "clips.jsonl")
        return CliRunner().invoke(app, [command, "known", "--on", on, *words], catch_exceptions=False)

    return run


def test_eval_prints_a_table_to_stdout(hark):
    result = hark("eval")
    lines = result.stdout.splitlines()
    assert result.exit_code == 0
    assert lines[0].startswith("known on ")
    assert lines[0].endswith(": 6 clips, 2 captions")
    assert lines[2].split() == ["text", "to", "audio", "audio", "to", "text"]
    assert lines[3].split("  ")[-2:] == ["1.000 [1.000, 1.000]"] * 2
    assert lines[-1].startswith("known 0123456789ab, data ")  # what made the numbers, and the command
    assert "embedding" not in result.stdout


def test_eval_takes_queries_and_conditions(hark, tmp_path):
    (tmp_path / "queries.jsonl").write_text('{"query": "hear cat", "relevant": ["cat0"]}\n')
    found = json.loads(hark("eval", "--queries", str(tmp_path / "queries.jsonl"), "--json").stdout)
    assert found["texts"] == "queries"
    assert found["text_to_audio"]["metrics"]["mean rank"]["value"] == 3  # behind two cats that it ties with
    found = json.loads(hark("eval", "--where", "labels=cat", "--where", "id!=cat1", "--json").stdout)
    assert (found["text_to_audio"]["items"], found["text_to_audio"]["queries"]) == (2, 1)


def test_zeroshot_prints_and_gives_json(hark):
    printed = hark("zeroshot", "--template", "{label}").stdout
    assert "accuracy  1.000 [1.000, 1.000]" in printed
    assert ": 6 clips, 2 labels" in printed
    found = json.loads(hark("zeroshot", "--template", "{label}", "--template", "hear {label}", "--json").stdout)
    assert found["templates"] == ["{label}", "hear {label}"]
    assert found["per_label"] == {"cat": 1, "dog": 1}


def test_a_malformed_condition_is_refused(hark):
    with pytest.raises(SettingError, match="where 'fold'"):
        hark("eval", "--where", "fold")


def test_the_commands_import_nothing_heavy():
    code = "import sys, hark.cli.eval, hark.cli.zeroshot; print({'torch', 'numpy', 'rich.progress'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"
