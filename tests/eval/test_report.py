"""`hark report`: the page, its pictures and sounds, and the tables."""

import base64
import hashlib
import html
import io
import json
import re
import sys
from html.parser import HTMLParser

import numpy as np
import pytest
import soundfile
import typer
from markdown_it import MarkdownIt
from sklearn.decomposition import PCA
from sklearn.metrics import average_precision_score, roc_auc_score
from typer.testing import CliRunner

from hark.audio.decode import decode
from hark.cli.eval import evaluate
from hark.cli.report import report
from hark.core.errors import DataError, SettingError
from hark.data import manifest
from hark.data.records import Clip
from hark.eval import compare, folder
from hark.eval.report import latex, markdown, plane, spread, way
from hark.eval.report.figures import clock
from hark.runtime import load

EVIL = '</script><script>alert("1")</script> <img src=http://evil.test/x onerror=alert(1)> & \' %5_{}$|`~^\\ -- '
CLIPS = 12


class Page(HTMLParser):
    """What a browser would see: the text, the elements' attributes, and that every element is closed in its place."""

    def __init__(self, page):
        super().__init__()
        self.open, self.text, self.tags = [], "", []
        self.feed(page)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data

    def all(self, attribute):
        return [attrs[attribute] for _, attrs in self.tags if attribute in attrs]


@pytest.fixture
def hark(known, tmp_path, monkeypatch):
    """Runs commands on twelve sounds with two captions each, and two models of which `good` hears better."""
    rng = np.random.default_rng(0)
    sounds = {f"c{i}": rng.normal(size=8) for i in range(CLIPS)}
    said = {f"text {i} {j} {EVIL}": sounds[f"c{i}"] + rng.normal(size=8) * 0.8 for i in range(CLIPS) for j in "ab"}
    models = {
        name: known(said, {c: v + rng.normal(size=8) * noise for c, v in sounds.items()})
        for name, noise in (("good", 0.1), ("poor", 0.9))
    }
    for name, model in models.items():
        model.name, model.stamp = f"{name} <b>", f"{name}89abcdef"
    clips = []
    for i in range(CLIPS):
        path = tmp_path / "sounds" / f"c{i}.wav"
        path.parent.mkdir(exist_ok=True)
        soundfile.write(path, 0.1 * rng.standard_normal(16000 * (10 if i == 3 else 1)), 16000)
        texts = tuple(text for text in said if text.startswith(f"text {i} "))
        clips.append(Clip(f"c{i} <i>", path, captions=texts, labels=(f"label {i % 3} <u>",)))
    manifest.write(tmp_path / "clips.jsonl", clips)
    monkeypatch.setattr(load, "load", lambda name: models[name])
    app = typer.Typer()
    app.command("eval")(evaluate)
    app.command("report")(report)

    def run(*words):
        return CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)

    for name in models:
        run("eval", name, "--on", tmp_path / "clips.jsonl", "--out", tmp_path / name, "--resamples", "50")
    return run


def read(path):
    return path.read_text(encoding="utf-8")


def test_the_page_has_the_numbers_of_the_report_and_asks_for_nothing(hark, tmp_path):
    out = tmp_path / "out" / "page.html"
    printed = hark("report", tmp_path / "good", "--out", out).stdout
    assert printed.startswith(f"{out}: ")
    page = Page(read(out))
    told = json.loads(read(tmp_path / "good/report.json"))
    ways = [told[way]["metrics"] for way in folder.WAYS]
    for name in ways[0]:
        digits = 1 if name.endswith("rank") else 3
        cells = []
        for metrics in ways:
            value, low, high = (f"{metrics[name][key]:.{digits}f}" for key in ("value", "low", "high"))
            cells.append(f"{value} [{low}, {high}]")
        assert f"{name}{cells[0]}{cells[1]}" in page.text  # a row of the table
    made = told["made"]
    foot = f"model {made['model']}, weights {made['stamp']}, data {made['data']}, hark {made['hark']}"
    assert foot in page.text
    for address in [*page.all("src"), *page.all("href"), *page.all("data-sound")]:
        assert address.startswith(("data:image/png", "data:audio/flac"))
    assert "url(" not in read(out)
    assert not {tag for tag, _ in page.tags} & {"iframe", "object", "embed", "base", "form"}
    for attrs in (attrs for _, attrs in page.tags):
        assert not any(name.startswith("on") for name in attrs)


def test_nothing_that_a_user_wrote_becomes_code(hark, tmp_path):
    out = tmp_path / "page.html"
    hark("report", tmp_path / "good", "--out", out, "--show", CLIPS)
    page = Page(read(out))
    assert [tag for tag, _ in page.tags].count("script") == 1
    for row in folder.read(tmp_path / "good").rows("text_to_audio"):
        assert row.query in page.text
        assert html.escape(row.query) in read(out)
    assert "<i>" in page.text
    script = re.search(r"<script>(.*?)</script>", read(out), re.DOTALL)[1]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    (policy,) = (attrs["content"] for tag, attrs in page.tags if attrs.get("http-equiv") == "Content-Security-Policy")
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == f"'sha256-{digest}'"
    assert {rules["img-src"], rules["media-src"]} == {"data:"}


def test_sounds_in_the_page_are_the_clips(hark, tmp_path):
    out = tmp_path / "page.html"
    hark("report", tmp_path / "good", "--out", out, "--show", CLIPS)
    page = Page(read(out))
    heard = {}
    for tag, attrs in page.tags:
        if tag == "button":
            name = attrs["aria-label"].removeprefix("Play ").removesuffix(" <i>")
            heard[name] = soundfile.read(io.BytesIO(base64.b64decode(attrs["data-sound"].split(",")[1])))
    assert set(heard) == {f"c{i}" for i in range(CLIPS)}
    for name, (wave, rate_hz) in heard.items():
        whole = decode(tmp_path / "sounds" / f"{name}.wav", 16000)
        assert rate_hz == 16000
        assert len(wave) == (8 * 16000 if name == "c3" else 16000)
        np.testing.assert_allclose(wave, whole[: len(wave)], atol=2**-15)
    assert "0:08.0 of 0:10.0" in page.text
    for _, attrs in page.tags:
        if attrs.get("alt", "").startswith("Spectrogram"):
            assert base64.b64decode(attrs["src"].split(",")[1]).startswith(b"\x89PNG")


def test_links_lead_from_the_page_to_the_sounds(hark, tmp_path):
    out = tmp_path / "pages" / "below" / "page.html"
    hark("report", tmp_path / "good", "--out", out, "--audio", "link")
    page = Page(read(out))
    links = [attrs["href"] for tag, attrs in page.tags if tag == "a"]
    assert links
    assert all((out.parent / link).resolve().is_file() for link in links)
    assert not page.all("data-sound")
    hark("report", tmp_path / "good", "--out", out, "--audio", "none")
    assert not [tag for tag, _ in Page(read(out)).tags if tag in ("a", "button")]
    with pytest.raises(SettingError, match="audio 'loud': unknown; give embed, link or none"):
        hark("report", tmp_path / "good", "--out", out, "--audio", "loud")


def test_sounds_that_went_away_and_no_matplotlib(hark, tmp_path, monkeypatch):
    for path in (tmp_path / "sounds").iterdir():
        path.write_bytes(b"no sound")
    monkeypatch.setitem(sys.modules, "matplotlib", None)  # as if it were not installed
    hark("report", tmp_path / "good")
    page = Page(read(tmp_path / "good/report.html"))
    assert "No spectrograms: matplotlib is missing" in page.text
    assert re.search(r"c\d+\.wav: ", page.text)
    assert not [tag for tag, _ in page.tags if tag in ("button", "audio")]


def test_systems_are_compared_with_the_first(hark, tmp_path):
    out, md = tmp_path / "page.html", tmp_path / "page.md"
    told = json.loads(
        hark("report", tmp_path / "poor", tmp_path / "good", "--out", out, "--markdown", md, "--json").stdout
    )
    found = compare.compare(
        tmp_path / "poor",
        tmp_path / "good",
        measures=compare.Measures(tuple(told["reports"][0]["text_to_audio"]["metrics"]), resamples=50),
        rng=np.random.default_rng(0),
    )
    text = Page(read(out)).text
    for way_ in folder.WAYS:
        one = getattr(found, way_)["mAP@10"]
        assert told["comparisons"][0][way_]["mAP@10"]["p"] == one.p
        shown = f"{one.value:+.3f} [{one.low:+.3f}, {one.high:+.3f}]"
        assert shown in text
        assert f"| {markdown.escape(shown)} | {one.p:.4f} |" in read(md)
    assert [one["made"]["stamp"] for one in told["reports"]] == ["poor89abcdef", "good89abcdef"]
    assert "A: poor <b>: model poor <b>, weights poor89abcdef, data " in text
    assert "B: good <b>: model good <b>, weights good89abcdef, data " in text
    on = tmp_path / "clips.jsonl"
    hark("eval", "good", "--on", on, "--where", "id!=c1 <i>", "--out", tmp_path / "other")
    with pytest.raises(DataError, match=r"other: evaluated on data \w+, but "):
        hark("report", tmp_path / "poor", tmp_path / "other")


def test_markdown_shows_what_the_report_says(hark, tmp_path):
    md = tmp_path / "page.md"
    hark("report", tmp_path / "good", "--markdown", md)
    drawn = MarkdownIt("gfm-like", {"linkify": False}).render(read(md))
    cells = [html.unescape(cell) for cell in re.findall(r"<t[dh]>(.*?)</t[dh]>", drawn)]
    told = json.loads(read(tmp_path / "good/report.json"))
    assert cells[:3] == ["", "text to audio", "audio to text"]
    names = list(told["text_to_audio"]["metrics"])
    assert cells[3::3] == names
    one = told["audio_to_text"]["metrics"]["mAP@10"]
    assert cells[5 + 3 * names.index("mAP@10")] == f"{one['value']:.3f} [{one['low']:.3f}, {one['high']:.3f}]"
    assert html.unescape(re.search(r"<li>(.*?)</li>", drawn)[1]).startswith("model good <b>, weights good89abcdef, ")


@pytest.mark.parametrize("text", [EVIL, "1. a", "- b", "# c", "a|b", "=", "http://x.test/_a_", "*a* **b** <b>", "a  b"])
def test_markdown_shows_any_text_as_it_is(text):
    drawn = MarkdownIt("gfm-like", {"linkify": False}).render(f"| a |\n|---|\n| {markdown.escape(text)} |")
    assert html.unescape(re.search(r"<td>(.*)</td>", drawn)[1]) == " ".join(text.split())


def test_latex_has_no_special_sign_left():
    escaped = latex.escape(EVIL)
    known = {said: sign for sign, said in latex.SPECIAL.items()}
    signs = re.compile("|".join(re.escape(said) for said in sorted(known, key=len, reverse=True)))
    assert signs.sub(lambda found: known[found[0]], escaped) == " ".join(EVIL.split())
    assert not re.search(r"[\\{}$&#%_^~<>|\"`']|--", signs.sub("", escaped))


def test_latex_table_is_whole(hark, tmp_path):
    tex = tmp_path / "page.tex"
    hark("report", tmp_path / "poor", tmp_path / "good", "--latex", tex, "--audio", "none")
    lines = read(tex).splitlines()
    for name in ("table", "tabular"):
        assert sum(line.startswith(rf"\begin{{{name}}}") for line in lines) == 4
        assert sum(line == rf"\end{{{name}}}" for line in lines) == 4
    told = json.loads(read(tmp_path / "good/report.json"))["text_to_audio"]["metrics"]["R@1"]
    (row,) = (line for line in lines[: len(lines) // 4] if line.startswith("R@1 "))
    interval = rf"${told['value']:.3f}$ {{\small $[{told['low']:.3f}, {told['high']:.3f}]$}} \\"
    assert row.endswith(interval)
    assert row.count("&") == 2
    assert any(line.startswith(r"\footnotesize B: good \textless{}b\textgreater{}: model good") for line in lines)


def test_queries_are_worst_and_best_by_average_precision(hark, tmp_path):
    rows = list(folder.read(tmp_path / "poor").rows("audio_to_text"))
    found = way.read(folder.read(tmp_path / "poor"), "audio_to_text", labels={}, show=3)
    precisions = {}
    for row in rows:
        truth, scores = np.zeros(2 * CLIPS), -np.arange(2.0 * CLIPS)
        truth[np.array(row.ranks) - 1] = 1
        precisions[row.query] = average_precision_score(truth, scores)
    ordered = sorted(precisions.values())
    assert [shown.precision for shown in found.worst] == pytest.approx(ordered[:3])
    assert [shown.precision for shown in found.best] == pytest.approx(ordered[::-1][:3])
    for shown in found.worst:
        assert shown.precision == pytest.approx(precisions[shown.row.query])
    few = way.read(folder.read(tmp_path / "poor"), "audio_to_text", labels={}, show=8)
    assert len(few.worst) + len(few.best) == CLIPS
    assert not {s.row.query for s in few.worst} & {s.row.query for s in few.best}


def test_labels_have_the_means_of_their_queries(hark, tmp_path):
    results = folder.read(tmp_path / "poor")
    labels = {clip.id: clip.labels for clip in manifest.read(tmp_path / "clips.jsonl")}
    for name in folder.WAYS:
        found = way.read(results, name, labels=labels, show=0)
        for label in {f"label {i} <u>" for i in range(3)}:
            clips = {clip for clip, own in labels.items() if label in own}
            about = [row for row in results.rows(name) if {row.query, *row.relevant} & clips]
            assert found.labels[label].queries == len(about)
            assert found.labels[label].value == pytest.approx(np.mean([row.values["mAP@10"] for row in about]))


@pytest.mark.parametrize("items", [1, 2, 5, 7, 10, 11, 50, 396, 1_000_000])
def test_rank_bins_hold_every_rank_once(items):
    ranks = np.unique(np.geomspace(1, items, 500).round())
    found = way.binned(ranks, items)
    ends = [int(name.replace("\N{EN DASH}", " ").split()[-1]) for name, _ in found]
    starts = [int(name.replace("\N{EN DASH}", " ").split()[0]) for name, _ in found]
    assert starts == [1, *(end + 1 for end in ends[:-1])]
    assert ends[-1] == items
    assert [count for _, count in found] == [
        np.count_nonzero((a <= ranks) & (ranks <= b)) for a, b in zip(starts, ends, strict=True)
    ]


def test_similarities_apart_are_the_area_under_the_curve(hark, tmp_path):
    found = spread.read(folder.read(tmp_path / "poor"))
    middles = (found.edges[1:] + found.edges[:-1]) / 2
    truth = np.concatenate([np.ones(found.matching.sum()), np.zeros(found.others.sum())])
    scores = np.concatenate([np.repeat(middles, found.matching), np.repeat(middles, found.others)])
    assert found.apart == pytest.approx(roc_auc_score(truth, scores))
    assert found.middle(found.others) == pytest.approx(np.median(scores[truth == 0]), abs=0.011)


def test_the_plane_is_that_of_principal_components():
    rng = np.random.default_rng(3)
    clips = (rng.normal(size=(40, 6)) * [9, 5, 1, 1, 1, 1]).astype(np.float32)
    texts = rng.normal(size=(7, 6)).astype(np.float32) + 4
    at = np.arange(40)
    found = plane.flat(clips, texts, clip_places=at, text_places=at[:7])
    other = PCA(2, svd_solver="full").fit(clips.astype(np.float64))
    signs = np.sign((found.clips * other.transform(clips)).sum(axis=0))
    np.testing.assert_allclose(found.clips, other.transform(clips) * signs, atol=1e-9)
    np.testing.assert_allclose(found.texts, (texts - texts.mean(0)) @ other.components_.T * signs, atol=1e-4)
    assert found.share == pytest.approx(tuple(other.explained_variance_ratio_))
    assert found.apart == pytest.approx(float(np.linalg.norm(clips.mean(0) - texts.mean(0))), rel=1e-5)
    one = plane.flat(clips[:1], texts, clip_places=at[:1], text_places=at[:7])  # one clip differs in no direction
    assert (one.clips == 0).all()


def test_vectors_of_another_model_in_the_folder_are_not_taken(hark, tmp_path):
    out = tmp_path / "good"
    (out / "report.json").unlink()  # or another model's evaluation is not written over
    hark("eval", "poor", "--on", tmp_path / "clips.jsonl", "--out", out)
    assert len(list(out.glob("clips-*.npy"))) == 2
    results, ids = folder.read(out), [f"c{i} <i>" for i in range(CLIPS)]
    found = plane.read(results, clips=ids, first=next(results.rows("text_to_audio")))
    alone = folder.read(tmp_path / "poor")
    expected = plane.read(alone, clips=ids, first=next(alone.rows("text_to_audio")))
    np.testing.assert_array_equal(found.clips, expected.clips)
    (out / "texts.npy").unlink()
    assert plane.read(results, clips=ids, first=next(results.rows("text_to_audio"))) is None


def test_a_zero_shot_report_beside_the_rest_is_shown(hark, tmp_path):
    estimate = {"value": 0.6251, "low": 0.5, "high": 0.75}
    made = {"model": "good", "stamp": "s", "data": "d", "hark": "1", "command": "hark zeroshot good --on x --json"}
    told = {
        **dict.fromkeys(("accuracy", "mean_average_precision", "macro_f1", "micro_f1"), estimate),
        "made": made,
        "templates": ["a {label} <s>"],
        "clips": 12,
        "labels": 2,
        "level": 0.95,
        "multi_label": False,
        "per_label": {"hen <s>": 0.25, "cow": 0.871},
        "confusions": [{"label": "hen <s>", "taken_for": "cow", "count": 3}],
    }
    path = tmp_path / "good/zeroshot.json"
    path.write_text(json.dumps(told))
    hark("report", tmp_path / "good", "--audio", "none")
    text = Page(read(tmp_path / "good/report.html")).text
    for said in ("0.625 [0.500, 0.750]", "hen <s>", "0.871", "a {label} <s>", "zero-shot: good s, data d, hark 1"):
        assert said in text
    board = {"tasks": [{"task": "esc50", "clips": 400, "metrics": {"accuracy": estimate}, "made": made}]}
    path.write_text(json.dumps(board))
    hark("report", tmp_path / "good", "--audio", "none")
    assert "esc50400accuracy0.625 [0.500, 0.750]" in Page(read(tmp_path / "good/report.html")).text
    for wrong in ("{", "[]", '{"tasks": [{"task": "esc50"}]}', '{"per_label": {}}'):
        path.write_text(wrong)
        with pytest.raises(DataError, match="zeroshot"):
            hark("report", tmp_path / "good", "--audio", "none")


def test_the_same_folder_gives_the_same_page(hark, tmp_path):
    pages = []
    for _ in range(2):
        hark("report", tmp_path / "good")
        pages.append(read(tmp_path / "good/report.html"))
    assert pages[0] == pages[1]


def test_damaged_folders_are_refused(hark, tmp_path):
    out = tmp_path / "good"
    with pytest.raises(DataError, match="no evaluation here"):
        hark("report", tmp_path / "nowhere")
    report_, scores, rows = (out / name for name in ("report.json", "scores.json", "audio_to_text.jsonl"))
    whole = {path: read(path) for path in (report_, scores, rows)}
    for path, text, message in (
        (report_, whole[report_].replace('"metrics"', '"numbers"'), "report.json: no numbers of text_to_audio"),
        (report_, whole[report_].replace('"level"', '"loud"'), "does not say how intervals were made"),
        (scores, "{}", "scores.json: not the scores"),
        (rows, whole[rows].replace('"score"', '"sore"'), "audio_to_text.jsonl: 'c0 <i>': damaged"),
    ):
        path.write_text(text)
        with pytest.raises(DataError, match=message):
            hark("report", out)
        path.write_text(whole[path])
    scores.unlink()
    with pytest.raises(DataError, match=r"scores\.json: No such file"):
        hark("report", out)


def test_a_place_that_cannot_be_written_is_told(hark, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(SettingError, match=r"page\.html: cannot be written"):
        hark("report", tmp_path / "good", "--out", tmp_path / "file" / "page.html", "--audio", "none")


def test_times_are_rounded_before_they_are_split():
    assert [clock(seconds) for seconds in (0, 7.94, 59.97, 61)] == ["0:00.0", "0:07.9", "1:00.0", "1:01.0"]
