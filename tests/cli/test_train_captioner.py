"""`hark train` of a captioner: told apart from a retrieval recipe by its name, and planned without its data."""

import json

import pytest
from typer.testing import CliRunner

from hark.cli.main import app
from hark.recipe import captioner
from hark.train.caption_dry import caption_dry_run


@pytest.mark.parametrize("name", captioner.names())
def test_every_captioner_can_be_planned(name: str, tmp_path) -> None:
    result = CliRunner().invoke(app, ["train", name, "--data", str(tmp_path), "--dry-run", "--json"])
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    recipe = captioner.load(name)
    assert report["hash"] == recipe.hash
    assert len(report["members"]) == len(recipe.members)
    stages = report["stages"] or [stage for one in report["members"] for stage in one["stages"]]
    found = [one for stage in stages for one in stage["data"]]
    assert found
    assert all(one["missing"] and one["get"] for one in found)  # an empty folder holds no corpus


def test_what_it_hears_with_is_missed_by_name(tmp_path) -> None:
    result = CliRunner().invoke(app, ["train", "sjtu-2022/captioning-gru", "--data", str(tmp_path), "--dry-run"])
    assert "MISSING 'sjtu-2022/captioning-ears'" in result.stdout
    assert "hark train sjtu-2022/captioning-ears" in result.stdout


def test_a_plan_fetches_and_converts_nothing(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("HARK_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))

    def refused(*words, **named):
        raise AssertionError("a dry run fetches nothing")

    for name in ("fetched", "from_hub", "convert"):
        monkeypatch.setattr(f"hark.checkpoints.obtain.{name}", refused)

    def missing(ears: str, *, name: str = "sjtu-2022/captioning-gru") -> str:
        recipe = captioner.load(name, changes=(f"ears.model={json.dumps(ears)}",))
        return caption_dry_run(recipe, data=tmp_path).ears_missing

    said = missing("microsoft/clap-2023", name="msclap-2023/clapcap")
    assert said.startswith("microsoft/clap-2023: not here; would be fetched from hf:")
    assert missing("hf:someone/model") == "hf:someone/model: not here; would be fetched from the hub"
    assert missing("mini") == ""
    assert "a captioner, not a model for retrieval" in missing("microsoft/clapcap-2023")
    (tmp_path / "CLAP_weights_2023.pth").touch()
    assert missing(str(tmp_path / "CLAP_weights_2023.pth")) == ""  # here; it is converted when it is needed
    (tmp_path / "mine.pth").touch()
    assert "--like NAME" in missing(str(tmp_path / "mine.pth"))
    (tmp_path / "cache" / "models" / "microsoft").mkdir(parents=True)
    (tmp_path / "cache" / "models" / "microsoft" / "clap-2023-0123456789ab.safetensors").touch()
    assert missing("microsoft/clap-2023") == ""
