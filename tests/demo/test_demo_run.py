import base64
import io
import json
import re
import shutil
import sys
from html.parser import HTMLParser

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from hark.cli.main import app
from hark.core.errors import HarkError, SettingError
from hark.demo import words
from hark.demo.parts import Asked, Indexed, Learned, Measured, Point, Sounds
from hark.demo.run import run

VOID = {"meta", "img"}


class Balanced(HTMLParser):
    """Sees that every element is closed in its place, and collects the text."""

    def __init__(self, page):
        super().__init__()
        self.open, self.text = [], ""
        self.feed(page)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        pass

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def write_sounds(folder, names, duration_s=1.5):
    for number, name in enumerate(names):
        folder.mkdir(parents=True, exist_ok=True)
        wave = 0.1 * np.random.default_rng(number).standard_normal(round(duration_s * 8000))
        soundfile.write(folder / name, wave, 8000)


def test_whole_demonstration_of_a_model_that_learned_nothing(tmp_path, small_model, small_recipe):
    out, parts, heard = tmp_path / "demo", [], set()
    with pytest.raises(HarkError, match=r"small: mAP@10 0\.\d+ after \d steps is not clearly above chance \(0\.\d+\)"):
        run(
            out,
            model=small_model,
            recipe=small_recipe,
            scenes=6,
            tell=parts.append,
            hear=lambda what, done, total, remark: heard.add(what),
        )

    assert [type(part) for part in parts] == [Sounds, Indexed, *[Asked] * 8, Measured, Point, Point, Learned]
    assert {"indexing", "measuring", "training"} <= heard
    said = "\n".join(words.of(part) for part in parts)
    assert "6 scenes, 72 s of sound" in said
    assert "step    3 of 3" in said

    report = json.loads((out / "report.json").read_text(encoding="utf-8"))
    assert report["indexed"]["files"] == 6
    assert report["indexed"]["windows"] == 6 * 7  # 3 s windows that start at 0, 1.5, ... 9 of 12 s
    assert len(report["learned"]["losses"]) == 3
    assert [point["step"] for point in report["learned"]["points"]] == [2, 3]
    assert set(report["seconds"]) == {"sounds", "index", "search", "retrieval", "training", "report"}
    manifest = [json.loads(line) for line in (out / "scenes/manifest.jsonl").read_text().splitlines()]
    for asked in report["asked"]:
        assert asked["holding"] == sum(bool(set(asked["kinds"]) & set(clip["labels"])) for clip in manifest)
        scores = [answer["score"] for answer in asked["answers"]]
        assert scores == sorted(scores, reverse=True)
        for answer in asked["answers"]:
            wanted = [event for event in answer["events"] if event["label"] in asked["kinds"]]
            if not wanted:
                assert answer["heard_s"] == 0
                assert answer["right"] is False
    captions = {caption for clip in manifest for caption in clip["captions"]}
    assert report["measured"]["report"]["text_to_audio"]["queries"] == len(captions)

    page = (out / "report.html").read_text(encoding="utf-8")
    Balanced(page)
    assert "://" not in page  # no address of anything; base64 has no colon
    assert "url(" not in page
    assert set(re.findall(r'\b(?:src|href|data-sound)="([^:"]*:[^/]*)/', page)) == {"data:image", "data:audio"}
    assert page.count("<figure") == 8 * 3 + 2
    for sound in re.findall(r'data-sound="data:audio/flac;base64,([^"]+)"', page):
        assert soundfile.info(io.BytesIO(base64.b64decode(sound))).frames == 3 * 16000
    for picture in re.findall(r'src="data:image/png;base64,([^"]+)"', page):
        assert base64.b64decode(picture).startswith(b"\x89PNG")


def test_own_folder_has_no_truth_and_a_second_run_starts_anew(tmp_path, small_model, monkeypatch):
    out, folder = tmp_path / "demo", tmp_path / "mine"
    write_sounds(folder, ["one.wav", "a <b> & 'c'.wav"])
    write_sounds(folder, ["long.wav"], duration_s=70.0)
    first = run(out, model=small_model, recipe=None, folder=folder)
    assert (first.measured, first.learned) == (None, None)
    assert first.indexed.files == 3
    assert all(answer.right is None and answer.events == () for asked in first.asked for answer in asked.answers)
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "a &lt;b&gt; &amp; &#x27;c&#x27;.wav" in page
    assert "a <b> & 'c'.wav" in Balanced(page).text
    assert "not measured" in words.ending(first)

    (folder / "one.wav").unlink()
    monkeypatch.setitem(sys.modules, "matplotlib", None)  # as if it were not installed
    second = run(out, model=small_model, recipe=None, folder=folder)
    assert second.indexed.files == 2
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "matplotlib is missing" in page
    assert "<img" not in page


def test_same_scenes_and_training_every_time(tmp_path, small_model, small_recipe, monkeypatch):
    monkeypatch.setattr("hark.demo.run.CLEARLY", 0.0)
    reports = []
    for _ in range(2):
        report = run(tmp_path / "demo", model=small_model, recipe=small_recipe, scenes=3).as_json()
        reports.append({key: report[key] for key in ("asked", "measured", "learned")})
        reports[-1]["measured"].pop("seconds")
        reports[-1]["learned"].pop("seconds")
        shutil.rmtree(tmp_path / "cache")
    assert reports[0] == reports[1]


def test_command_prints_one_json_object(tmp_path, small_model, monkeypatch):
    monkeypatch.setattr("hark.runtime.load.load", lambda name: small_model)
    write_sounds(tmp_path / "mine", ["one.wav"])
    options = ["--out", str(tmp_path / "demo"), "--folder", str(tmp_path / "mine"), "--train-seconds", "0"]
    done = CliRunner().invoke(app, ["demo", "--json", *options])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout) == json.loads((tmp_path / "demo/report.json").read_text(encoding="utf-8"))
    told = CliRunner().invoke(app, ["demo", *options])
    assert told.exit_code == 0, told.output
    assert '"a dog barks"\n' in told.stdout
    assert "hark index ~/Sounds" in told.stdout


def test_folder_without_sounds_is_refused(tmp_path, small_model):
    (tmp_path / "empty").mkdir()
    with pytest.raises(SettingError, match="no sounds in it"):
        run(tmp_path / "demo", model=small_model, recipe=None, folder=tmp_path / "empty")
    with pytest.raises(SettingError, match="nowhere: no such folder"):
        run(tmp_path / "other", model=small_model, recipe=None, folder=tmp_path / "nowhere")
    assert not (tmp_path / "other").exists()
