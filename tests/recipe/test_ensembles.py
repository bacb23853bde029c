"""Ensembles as data: every one of the five reports, and what a mistake in one says."""

import shlex
from pathlib import Path

import pytest

from hark import recipe as recipes
from hark.core.errors import SettingError, WeightsError
from hark.recipe import ensemble as ensembles

# Typed from the reports' tables a second time: mAP@10 on Clotho's evaluation set, and how many models there are.
REPORTS = {
    "irit-2022/ensemble": (0.2426, 2),
    "laion-2022/system-1": (0.214, 18),
    "laion-2022/system-2": (0.211, 12),
    "laion-2022/system-3": (0.212, 15),
    "laion-2022/system-4": (0.212, 9),
    "ly-2024/submission-1": (0.4220, 12),
    "ly-2024/submission-2": (0.4226, 10),
    "sjtu-2022/five-seeds": (0.259, 5),
    "sjtu-2022/system-1": (0.299, 5),
    "sjtu-2022/system-2": (None, 4),
    "sjtu-2022/system-3": (None, 3),
    "sjtu-2022/system-4": (None, 3),
}

SMALL = """
about = "Two."
combine = { name = "mean" }

[[members]]
recipe = "tiny"

[[members]]
recipe = "tiny"
seed = 1
changes = ["stages.0.batch=32"]
weight = 2.0
"""


def test_the_five_reports_are_all_there():
    assert ensembles.names() == sorted(REPORTS)


@pytest.mark.parametrize("name", REPORTS)
def test_an_ensemble_of_the_reports(name):
    value, models = REPORTS[name]
    ensemble = ensembles.load(name)
    assert ensemble.published.get("clotho_evaluation_map_at_10") == value
    assert sum(member.checkpoint_count() for member in ensemble.members) == models
    assert len({member.weight for member in ensemble.members}) == 1
    for member in ensemble.members:
        trained = recipes.load(member.recipe, changes=member.settings())
        assert all(stage.seed == member.seed for stage in trained.stages) or not member.seed
        words = shlex.split(member.train())
        assert words[:3] == ["hark", "train", member.recipe]
    places = [(member.place, member.rewrite is None) for member in ensemble.members]
    assert len(set(places)) == len(places)


def test_ly_has_every_model_with_and_without_five_wordings():
    for name, letters in (("ly-2024/submission-1", "abcdef"), ("ly-2024/submission-2", "abcfg")):
        members = ensembles.load(name).members
        assert [m.recipe for m in members if m.rewrite is None] == [f"ly-2024/{letter}" for letter in letters]
        assert [m.recipe for m in members if m.rewrite is not None] == [f"ly-2024/{letter}" for letter in letters]
        assert {m.rewrite["count"] for m in members if m.rewrite is not None} == {5}


def test_irits_models_have_no_schedule():
    for member in ensembles.load("irit-2022/ensemble").members:
        stages = recipes.load(member.recipe, changes=member.settings()).stages
        assert [stage.schedule["name"] for stage in stages] == ["constant", "constant"]


def test_what_a_member_is_made_by(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    first, second = ensembles.parse(SMALL, name="small").members
    assert first.train() == "hark train tiny"
    assert second.train() == "hark train tiny --set stages.0.seed=1 --set stages.0.batch=32 --out runs/tiny-seed-1"
    with pytest.raises(WeightsError, match=r"no weights in runs/tiny; train it: hark train tiny$"):
        first.files()
    (tmp_path / "runs" / "tiny").mkdir(parents=True)
    assert first.files() == ["runs/tiny"]


def test_checkpoints_kept_apart_are_models_of_their_own(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    member = ensembles.load("laion-2022/system-2").members[1]
    folder = tmp_path / "runs" / "laion-2022" / "htsat-seed-1"
    for place in (1, 2):
        (folder / f"member-{place}").mkdir(parents=True)
        (folder / f"member-{place}" / "model.safetensors").touch()
    with pytest.raises(
        WeightsError, match=r"no runs/laion-2022/htsat-seed-1/member-3/model.safetensors; train it: hark"
    ):
        member.files()
    (folder / "member-3").mkdir()
    (folder / "member-3" / "model.safetensors").touch()
    assert [file.split("/")[-2] for file in member.files()] == ["member-1", "member-2", "member-3"]
    with pytest.raises(SettingError, match=r"tiny.toml: keeps no checkpoints apart"):
        ensembles.MemberSpec("tiny", checkpoints="members").checkpoint_count()


def test_the_hash_is_the_texts():
    one, other = ensembles.parse(SMALL, name="small"), ensembles.parse(SMALL + "# more\n", name="small")
    assert len(one.hash) == 64
    assert one.hash != other.hash
    assert one == other


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"mean"', '"men"', "small.toml: combine: no 'men' among metrics.combine; did you mean 'mean'?"),
        ('{ name = "mean" }', '{ name = "borda", k = 1 }', "small.toml: combine.k: unknown setting of 'borda'"),
        ("seed = 1", "sed = 1", "small.toml: members[1].sed: unknown setting; did you mean 'seed'?"),
        ("seed = 1", "seed = -1", "small.toml: members[1]: seed is -1"),
        ("weight = 2.0", "weight = -2.0", "weight is -2.0"),
        ("weight = 2.0", 'checkpoints = "member"', "did you mean 'members'?"),
        ("weight = 2.0", 'rewrite = { name = "offline" }', "how many wordings?"),
        ("weight = 2.0", 'rewrite = { name = "ofline", count = 5 }', "did you mean 'offline'?"),
        ("weight = 2.0", 'rewrite = { name = "offline", count = 5, kind = 1 }', "did you mean 'kinds'?"),
        ('about = "Two."', 'about = "Two."\nname = "two"', "the file's name is the ensemble's name"),
        ('about = "Two."', "about = Two", "not TOML"),
        ('about = "Two."', "", "small.toml: about: missing"),
    ],
)
def test_a_mistake_is_named(old, new, said):
    assert old in SMALL
    with pytest.raises(SettingError) as caught:
        ensembles.parse(SMALL.replace(old, new, 1), name="small")
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_none_and_weightless_members_are_refused():
    with pytest.raises(SettingError, match="members: missing"):
        ensembles.parse('about = "x"', name="small")
    with pytest.raises(SettingError, match="all weights are 0"):
        ensembles.parse('about = "x"\n[[members]]\nrecipe = "tiny"\nweight = 0', name="small")


def test_found_by_name_by_file_and_in_a_plug_in(monkeypatch, tmp_path):
    (tmp_path / "ensembles" / "own").mkdir(parents=True)
    (tmp_path / "ensembles" / "own" / "two.toml").write_text(SMALL)
    monkeypatch.setenv("HARK_PLUGINS", str(tmp_path))
    assert "own/two" in ensembles.names()
    assert ensembles.load("own/two").name == "own/two"
    assert ensembles.load(str(tmp_path / "ensembles" / "own" / "two.toml")).name == "two"
    with pytest.raises(SettingError, match="did you mean 'ly-2024/submission-1'"):
        ensembles.load("ly-2024/submision-1")
    with pytest.raises(SettingError, match="no such ensemble file"):
        ensembles.load(str(tmp_path / "three.toml"))


def test_the_page_tells_what_the_files_say():
    page = (Path(__file__).parents[2] / "docs" / "ensembles.md").read_text(encoding="utf-8")
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in page.splitlines() if line.startswith("| `")]
    told = {name.strip("`"): value for name, _, value in (row for row in rows if len(row) == 3)}
    found = {name: ensembles.load(name).published.get("clotho_evaluation_map_at_10") for name in ensembles.names()}
    assert told == {name: "silent" if value is None else str(value) for name, value in found.items()}
