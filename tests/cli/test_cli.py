"""The command line as a user meets it: help without weight, one line for a mistake, exit codes."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

COMMANDS = [
    *("demo", "index", "search", "embed", "ensemble", "eval", "compare", "reproduce", "rewrite", "zeroshot", "probe"),
    *("train", "runs", "models", "data", "submit", "caption", "report"),
]


def hark(*words: str, **settings: str) -> subprocess.CompletedProcess[str]:
    import os

    code = "from hark.cli.main import main; main()"
    return subprocess.run(
        [sys.executable, "-c", code, *words], capture_output=True, text=True, env=os.environ | settings, check=False
    )


def test_help_names_every_command_and_imports_nothing_heavy() -> None:
    code = (
        "import sys\nsys.argv = ['hark', '--help']\nfrom hark.cli.main import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "print(sorted({'torch', 'numpy', 'transformers', 'soundfile'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert found.endswith("[]\n")
    for command in COMMANDS:
        assert f" {command} " in found


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str) -> None:
    made = hark(command, "--help")
    assert made.returncode == 0
    assert "--json" in made.stdout or "\nCommands:\n" in made.stdout  # a group's commands have it


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["train", "mnii"], "no recipe 'mnii'; did you mean 'mini'?"),
        (["eval", "mini", "--on", "nothing.jsonl"], "nothing.jsonl: "),
        (["zeroshot", "mini", "--on", "nothing.csv"], "nothing.csv: "),
        (["index", "nowhere"], "nowhere: "),
        (["embed", "nowhere.wav"], "nowhere.wav: no such file or folder"),
        (["embed", "x.wav", "--model", "laion/630k"], "no model 'laion/630k'; did you mean"),
        (["embed", "x.wav", "--weights", "some"], "--weights some: unknown; trained or none"),
        (["embed", "--out", "x.txt", "--text", "rain"], "must end in .npz"),
        (["models", "info", "minni"], "no model 'minni'; did you mean 'mini'?"),
        (["models", "convert", "nothing.pt", "--to", "there"], "nothing.pt: no such file"),
        (["search", "rain", "--library", "nowhere"], "nowhere"),
    ],
)
def test_a_mistake_is_one_line_and_exit_1(words: list[str], message: str, tmp_path: Path) -> None:
    made = hark(*words, HARK_HOME=str(tmp_path))
    assert made.returncode == 1, made.stderr
    assert made.stdout == ""
    assert made.stderr.count("\n") == 1
    assert made.stderr.startswith("hark: ")
    assert message in made.stderr


@pytest.mark.parametrize("words", [["rewrite", "rain", "--out"], ["runs", "average", "mini", "--out"]])
def test_a_place_that_cannot_be_written_is_one_line(words: list[str], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    made = hark(*words, str(tmp_path / "file" / "x.json"))
    assert made.returncode == 1
    assert made.stderr.startswith("hark: ")
    assert "is no folder; give another place" in made.stderr
    assert (made.stdout, made.stderr.count("\n")) == ("", 1)


def test_what_the_system_refuses_is_one_line(monkeypatch, capsys) -> None:
    from hark.cli import main

    def refused() -> None:
        Path("/nowhere/at/all").read_bytes()

    monkeypatch.setattr(main, "app", refused)
    with pytest.raises(SystemExit) as stopped:
        main.main()
    assert stopped.value.code == 1
    assert capsys.readouterr().err.startswith("hark: /nowhere/at/all: No such file or directory; ")


def test_wrong_usage_is_exit_2() -> None:
    assert hark("search", "--no-such-option").returncode == 2
    assert hark("nonsense").returncode == 2


def test_models_lists_the_recipes() -> None:
    rows = json.loads(hark("models", "--json").stdout)
    assert {"mini", "tiny"} <= {row["name"] for row in rows}
    assert all(row["about"] for row in rows)


def test_version() -> None:
    from importlib.metadata import version

    assert hark("--version").stdout == f"hark {version('hark')}\n"


def test_models_lists_and_explains_published_checkpoints() -> None:
    rows = {row["name"]: row for row in json.loads(hark("models", "list", "--json").stdout)}
    assert rows["laion/630k-audioset-best"]["kind"] == "published"
    assert rows["mini"]["kind"] == "weights"
    said = json.loads(hark("models", "info", "laion/630k-audioset-best", "--json").stdout)
    assert (said["rate_hz"], said["dim"], said["window_s"], said["short"]) == (48000, 512, 10.0, "repeat-whole")
    assert said["address"] == "hf:lukewys/laion_clap/630k-audioset-best.pt"
    assert said["audio_encoder"]["name"] == "htsat"
    beside = json.loads(hark("models", "info", "laion-2022/htsat", "--json").stdout)
    assert beside["dim"] == 2 * said["dim"]  # trained by the dual loss: a tower's vector and its branch's side by side


def test_embed_writes_vectors_and_says_that_weights_are_random(tmp_path: Path) -> None:
    import numpy as np
    import soundfile

    soundfile.write(tmp_path / "a.wav", np.sin(np.arange(16000) / 9.0) * 0.3, 16000)
    (tmp_path / "b.wav").write_bytes(b"no sound")
    out = tmp_path / "x.npz"
    words = ["embed", str(tmp_path), "--model", "panns-cnn14-16k-map438", "--weights", "none", "--labels"]
    made = hark(*words, "--out", str(out))
    assert made.returncode == 1
    assert "the weights are random (seed 0); these vectors mean nothing" in made.stderr
    assert "b.wav" in made.stderr
    assert made.stdout.endswith("1 sounds, 0 sentences, 2048 numbers each (random weights)\n")
    with np.load(out) as written:
        assert [Path(name).name for name in written["files"]] == ["a.wav"]
        np.testing.assert_allclose(np.linalg.norm(written["vectors"], axis=1), 1.0, rtol=1e-5)
        assert written["logits"].shape == (1, 527)
        assert str(written["stamp"]) == "random-0"
