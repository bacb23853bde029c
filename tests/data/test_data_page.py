"""The commands on docs/data.md run as they stand, one after the other, on miniatures of what is published."""

import json
import os
import re
import shlex
import subprocess
import sys
import zipfile
from pathlib import Path

from miniatures import esc50, tree

from hark.data import exclude, manifest
from hark.data.prepare.download import file_name
from hark.data.records import Clip

PAGE = (Path(__file__).parents[2] / "docs" / "data.md").read_text(encoding="utf-8")
CODE = "from hark.cli.main import main; main()"


def put_published(folder):
    """What the page's commands find: ESC-50's archive as GitHub gives it, two prepared sets, one of WavCaps' lists."""
    esc50.miniature(folder / "published")
    archive = folder / "downloads" / "esc50" / file_name("https://github.com/karolpiczak/ESC-50/archive/master.zip")
    archive.parent.mkdir(parents=True)
    with zipfile.ZipFile(archive, "w") as zipped:
        for file in sorted((folder / "published").rglob("*.*")):
            zipped.write(file, Path("ESC-50-master") / file.relative_to(folder / "published"))
    for corpus, split, number in (("clotho", "evaluation", "1"), ("wavcaps", "FreeSound", "2")):
        sound = tree.sound(folder / "data" / corpus / f"{number}.wav", samples=16000)
        clip = Clip(number, sound, extra={"split": split, "freesound_id": number})
        manifest.write(folder / "data" / corpus / "manifest.jsonl", [clip])
    listed = {"AudioSet": ["YvfY_TJq7n_U.wav"], "FreeSound": ["156", "Not found", "2"]}
    (folder / "blacklist_exclude_test_ac.json").write_text(json.dumps(listed), encoding="utf-8")


def test_the_commands_run(tmp_path):
    put_published(tmp_path)
    settled = os.environ | {"HARK_CACHE": str(tmp_path / "cache")}
    commands = [line for block in re.findall(r"```\n(.*?)```", PAGE, re.S) for line in block.splitlines()]
    assert len(commands) == 6
    for line in commands:
        words = [sys.executable, "-c", CODE, *shlex.split(line, comments=True)[1:]]
        done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=tmp_path, env=settled)
        few = "prepare" in words and "4 clips, not 2000" in done.stderr  # of the corpus: that is told, and no more
        assert done.returncode == (1 if few else 0), (line, done.stderr)
    assert len(manifest.read(tmp_path / "data" / "esc50" / "manifest.jsonl")) == 4
    assert (tmp_path / "shards" / "esc50" / "0.tar").is_file()
    excluded = exclude.read([tmp_path / "exclusions.txt"])
    assert excluded.excludes(Clip("2", tmp_path / "none.wav"), corpus="wavcaps")
    assert not excluded.excludes(Clip("1", tmp_path / "none.wav"), corpus="wavcaps")
