"""Every published corpus, in miniature and in its own layout, goes through `prepare`."""

import importlib
import json

import pytest
import soundfile

from hark.core import component
from hark.data import manifest
from hark.data.prepare.run import Settings, prepare

CORPORA = [
    name
    for name in component.names("data.corpora")
    if (component.PACKAGE / "data" / "corpora" / f"{name}.py").is_file()
    and hasattr(component.module("data.corpora", name), "CARD")
]


@pytest.mark.parametrize("name", CORPORA)
def test_a_miniature_is_prepared(name, tmp_path):
    corpus = importlib.import_module(f"miniatures.{name}")  # tests/data is where pytest looks for modules
    given = {"complete": False, **corpus.miniature(tmp_path / "it's a corpus, published")}
    source = given.pop("path")
    clips = component.config("data.corpora", {"name": name, "path": source, **given}, where=name).listed()
    asked = Settings(name, source, str(tmp_path / "out"), rate_hz=16000, options=given)
    report = prepare(asked, jobs=0)
    found = manifest.read(tmp_path / "out" / "manifest.jsonl") if report.prepared else []
    left = {one.id for ones in (*report.left_out.values(), report.on_purpose) for one in ones}
    assert not report.left_out["missing"]
    readable = [clip for clip in clips if clip.path.stat().st_size]  # miniature videos are empty files
    assert {clip.id for clip in found} >= {clip.id for clip in readable if clip.start_s == 0}
    assert [clip.id for clip in found] == [clip.id for clip in clips if clip.id not in left]
    assert len(found) + len(left) == report.listed == len(clips)
    told = {clip.id: clip for clip in clips}
    for clip in found:
        first = told[clip.id]
        assert (clip.captions, clip.labels) == (first.captions, first.labels)
        assert dict(clip.extra) == {**first.extra, "duration_s": clip.extra["duration_s"]}
        assert soundfile.info(clip.path).samplerate == 16000
        assert json.loads(clip.path.with_suffix(".json").read_text(encoding="utf-8"))["text"] == list(first.captions)

    if getattr(corpus, "LISTED", True):
        clips[-1].path.unlink()
        again = prepare(asked, jobs=0)
        gone = [clip.id for clip in clips if not clip.path.is_file()]
        assert [one.id for one in again.left_out["missing"]] == gone
        assert not again.good
