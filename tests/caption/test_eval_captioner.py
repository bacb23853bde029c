"""`hark eval` of a captioner: what it says of a manifest's clips, compared with their captions."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import Result
from typer.testing import CliRunner

from hark.caption import file, published
from hark.checkpoints.rows import Row
from hark.cli.eval_caption import evaluate_captioner, is_captioner
from hark.cli.main import app
from hark.core.errors import DataError, HarkError, SettingError, WeightsError
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
    assert is_captioner("microsoft/CLAPCAP_2023")
    (tmp_path / "clapcap_weights_2023.pth").touch()
    (tmp_path / "CLAP_weights_2023.pth").touch()
    assert is_captioner(str(tmp_path / "clapcap_weights_2023.pth"))
    assert not is_captioner(str(tmp_path / "CLAP_weights_2023.pth"))
    packaged = Path(file.__file__).parent.parent / "recipes/mini.safetensors"
    (tmp_path / "model.safetensors").write_bytes(b"damaged")
    for other in ("mini", "microsoft/clap-2023", str(packaged), "nothing", "nowhere.safetensors", str(tmp_path)):
        assert not is_captioner(other), other


def test_a_captioner_without_weights_says_so(on: Path) -> None:
    with pytest.raises(HarkError, match="without weights; train it"):
        evaluate_captioner("sjtu-2022/captioning-gru", on, metrics=PURE)


@pytest.mark.parametrize(
    "words",
    [
        ["--queries", "q.jsonl"],
        ["--k", "10"],
        ["--divisor", "all"],
        ["--draw", "clips"],
        ["--rewrite", "offline"],
        ["--paraphrases", "3"],
    ],
)
def test_what_is_for_retrieval_is_refused(on: Path, trained: dict[str, Path], words: list[str]) -> None:
    done = CliRunner().invoke(app, ["eval", str(trained["gru"]), "--on", str(on), *words])
    assert isinstance(done.exception, SettingError), done.output
    assert str(done.exception).startswith(f"{words[0]}: '{trained['gru']}' is a captioner")


@pytest.mark.parametrize("words", [["--sentences", "mini"], ["--beam", "2"]])
def test_what_is_for_captioners_is_refused(on: Path, words: list[str]) -> None:
    done = CliRunner().invoke(app, ["eval", "mini", "--on", str(on), *words])
    assert str(done.exception) == f"{words[0]}: 'mini' is no captioner; leave it out"


def test_beam_and_interval_are_used(on: Path, trained: dict[str, Path], tmp_path: Path) -> None:
    def run(*words: object) -> Result:
        return CliRunner().invoke(app, ["eval", str(trained["gru"]), "--on", str(on), *map(str, words)])

    out = tmp_path / "out"
    done = run("--metrics", "ROUGE-L", "--json", "--beam", 7, "--interval", "jackknife", "--out", out)
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["interval"] == "jackknife"
    lines = [json.loads(line) for line in (out / "captions.jsonl").read_text().splitlines()]
    assert {line["way"]["beams"] for line in lines} == {7}
    assert str(run("--interval", "both").exception) == "--interval both: unknown; bootstrap or jackknife"
    assert "echecker_clotho_audiocaps_base.ckpt" in str(run("--metrics", "SPIDEr-FL").exception)


def test_published_weights_are_named() -> None:
    with pytest.raises(WeightsError, match="published weights are called microsoft/clapcap-2023"):
        file.locate("msclap-2023/clapcap")


def test_a_published_file_is_converted_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[tuple[Path, str]] = []

    def convert(path: Path, row: Row, out: Path) -> None:
        made.append((path, row.name))
        out.parent.mkdir(parents=True, exist_ok=True)
        out.touch()

    monkeypatch.setattr(published, "convert", convert)
    path = tmp_path / "clapcap_weights_2023.pth"
    path.write_bytes(b"x")
    assert file.locate(str(path)) == file.locate(str(path))
    assert made == [(path, "microsoft/clapcap-2023")]
    for name, wrong in (
        ("CLAP_weights_2023.pth", "'microsoft/clap-2023' is no captioner"),
        ("mine.pth", r"hark models convert .*mine.pth --like NAME"),
    ):
        (tmp_path / name).touch()
        with pytest.raises(WeightsError, match=wrong):
            file.locate(str(tmp_path / name))
    with pytest.raises(WeightsError, match=r"nowhere.pth: no such file"):
        file.locate("nowhere.pth")
