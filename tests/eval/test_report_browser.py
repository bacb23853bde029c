"""A real browser opens the page of `hark report` from the disk, complains of nothing, and can play its sounds."""

import re
import shutil
import subprocess

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from hark.cli.main import app
from hark.data import manifest
from hark.data.records import Clip
from hark.runtime import load

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(BROWSER is None, reason="needs Chromium or Chrome on the path (apt install chromium)"),
]

PROBE = """
<script>
const sounds = [...document.querySelectorAll("button.span")].map((span) => new Audio(span.dataset.sound));
const lengths = sounds.map((sound) => new Promise((told) => {
  sound.onloadedmetadata = () => told(sound.duration.toFixed(2));
  sound.onerror = () => told("error");
}));
Promise.all(lengths).then((all) => { document.title = "lengths " + all.join(" "); });
</script>
"""


def opened(page, folder):
    """What stands in the page after it ran, and what was written to the console."""
    words = [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--dump-dom"]
    words += [f"--user-data-dir={folder / 'profile'}", "--virtual-time-budget=5000", page.as_uri()]
    found = subprocess.run(words, capture_output=True, text=True, timeout=100, check=True)
    return found.stdout, [line for line in found.stderr.splitlines() if "CONSOLE" in line]


@pytest.fixture
def page(known, tmp_path, monkeypatch):
    """The page of two systems on six sounds, one of 10 s."""
    rng = np.random.default_rng(0)
    clips, vectors, texts = [], {}, {}
    for i in range(6):
        path = tmp_path / f"c{i}.wav"
        soundfile.write(path, 0.1 * rng.standard_normal(16000 * (10 if i == 3 else 1)), 16000)
        vectors[f"c{i}"] = rng.normal(size=8)
        said = f'{i} <script>console.error("no")</script><img src="http://localhost:1/x"> " onclick=1 \' &'
        texts[said] = vectors[f"c{i}"] + rng.normal(size=8)
        clips.append(Clip(f"c{i}", path, captions=(said,), labels=(f"label {i % 2}",)))
    manifest.write(tmp_path / "clips.jsonl", clips)
    monkeypatch.setattr(load, "load", lambda name: known(texts, vectors))
    for name in "ab":
        run("eval", "known", "--on", tmp_path / "clips.jsonl", "--out", tmp_path / name)
    run("report", tmp_path / "a", tmp_path / "b", "--out", tmp_path / "page.html")
    return tmp_path / "page.html"


def run(*words):
    assert CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False).exit_code == 0


def test_a_browser_complains_of_nothing(page, tmp_path):
    seen, complaints = opened(page, tmp_path)
    assert complaints == []
    assert "<h2>Differences</h2>" in seen
    assert seen.count("<script>") == 1
    # the same way of looking does find what is wrong: a script, and a picture from elsewhere, are kept from the page
    text = page.read_text(encoding="utf-8")
    page.write_text(text.replace("<h2>", '<img src="http://localhost:1/x"><script>let a;</script><h2>', 1))
    _, complaints = opened(page, tmp_path)
    assert len([line for line in complaints if "Content Security Policy" in line]) == 2


def test_a_browser_reads_every_sound(page, tmp_path):
    text = page.read_text(encoding="utf-8")
    sounds = text.count("data-sound=")
    assert sounds
    loose = re.sub(r"script-src '[^']*'", "script-src 'unsafe-inline'", text).replace("</main>", f"</main>{PROBE}")
    page.write_text(loose, encoding="utf-8")
    seen, complaints = opened(page, tmp_path)
    assert complaints == []
    lengths = re.search(r"<title>lengths (.*?)</title>", seen)[1].split()
    assert len(lengths) == sounds
    assert set(lengths) == {"1.00", "8.00"}
