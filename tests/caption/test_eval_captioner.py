"""`hark eval` of a captioner: what it says of a manifest's clips, compared with their captions."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from hark.caption import file
from hark.cli.eval_caption import evaluate_captioner, is_captioner
from hark.core.errors import DataError, HarkError
from hark.eval.captioning import tidy
from hark.metrics.captioning import caption_metrics

SAID = ["a siren wails", "rain falls on a roof", "the sound of a siren", "rain"]
PURE = ["BLEU-1", "BLEU-4", "ROUGE-L", "CIDEr-D"]


@pytest.fixture
def on(tmp_path: Path) -> Path:
    draws = np.random.default_rng(0)
    lines = []
    for number, text in enumerate(SAID):
        soundfile.write(tmp_path / f"{number}.wav", draws.normal(0, 0.1 * (number + 1), 16000), 16000)
        lines.append({"path": f"{number}.wav", "captions": [text, f"{text} again"], "part": "ab"[number % 2]})
    (tmp_path / "clips.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return tmp_path / "clips.jsonl"


def test_the_report_is_of_what_it_says(
    on: Path, trained: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = str(trained["transformer"])
    evaluate_captioner(model, on, out=tmp_path / "out", metrics=PURE, resamples=20, as_json=True)
    report = json.loads(capsys.readouterr().out)
    rows = [json.loads(line) for line in (tmp_path / "out/clips.jsonl").read_text().splitlines()]
    whole, each = caption_metrics([row["said"] for row in rows], [row["references"] for row in rows])
    for name in PURE:
        assert report["metrics"][name]["value"] == pytest.approx(whole[name])
        assert [row[name] for row in rows] == pytest.approx(each[name].tolist(), abs=1e-6)
    assert rows[0]["references"] == [SAID[0], f"{SAID[0]} again"]
    captioner = file.load(model)
    assert report["made"]["stamp"] == captioner.stamp
    for row in rows:
        assert row["said"] in {tidy(one.text) for one in captioner.describe([Path(row["path"])], each=2)[0]}
    assert json.loads((tmp_path / "out/report.json").read_text()) == report

    (tmp_path / "out/captions.jsonl").write_text(  # as if it had been killed
        "".join(f"{line}\n" for line in (tmp_path / "out/captions.jsonl").read_text().splitlines()[:2])
    )
    evaluate_captioner(model, on, out=tmp_path / "out", metrics=PURE, resamples=20, as_json=True)
    again = json.loads(capsys.readouterr().out)
    assert again["metrics"] == report["metrics"]


def test_as_text(on: Path, trained: dict[str, Path], capsys: pytest.CaptureFixture[str]) -> None:
    evaluate_captioner(str(trained["gru"]), on, ["part=a"], metrics=["ROUGE-L"], sentences="mini", resamples=20)
    said = capsys.readouterr().out
    assert said.startswith(f"gru on {on}: 2 clips, 2.00 captions of each")
    assert "ROUGE-L" in said
    assert file.load(str(trained["gru"])).stamp[:12] in said.splitlines()[-1]


def test_a_broken_file_ends_it(on: Path, trained: dict[str, Path]) -> None:
    (on.parent / "2.wav").write_text("no sound")
    with pytest.raises(DataError, match=r"clip '2.wav' .*leave the clip out"):
        evaluate_captioner(str(trained["gru"]), on, metrics=PURE)
    (on.parent / "2.wav").unlink()
    with pytest.raises(DataError, match="no file"):
        evaluate_captioner(str(trained["gru"]), on, metrics=PURE)


def test_what_is_a_captioner(trained: dict[str, Path], tmp_path: Path) -> None:
    run = trained["gru"]
    assert is_captioner(str(run))
    assert is_captioner(str(run / "model.safetensors"))
    assert is_captioner("sjtu-2022/captioning-gru")
    assert is_captioner("microsoft/clapcap-2023")
    packaged = Path(file.__file__).parent.parent / "recipes/mini.safetensors"
    (tmp_path / "model.safetensors").write_bytes(b"damaged")
    for other in ("mini", "microsoft/clap-2023", str(packaged), "nothing", "nowhere.safetensors", str(tmp_path)):
        assert not is_captioner(other), other


def test_a_captioner_without_weights_says_so(on: Path) -> None:
    with pytest.raises(HarkError, match="without weights; train it"):
        evaluate_captioner("sjtu-2022/captioning-gru", on, metrics=PURE)
