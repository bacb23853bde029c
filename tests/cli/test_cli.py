"""The command line as a user meets it: help without weight, one line for a mistake, exit codes."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

COMMANDS = ["demo", "index", "search", "eval", "zeroshot", "train", "models"]


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
    assert "--json" in made.stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["train", "mnii"], "no recipe 'mnii'; did you mean 'mini'?"),
        (["eval", "mini", "--on", "nothing.jsonl"], "nothing.jsonl: "),
        (["zeroshot", "mini", "--on", "nothing.csv"], "nothing.csv: "),
        (["index", "nowhere"], "nowhere: "),
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
