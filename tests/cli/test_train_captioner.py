"""`hark train` of a captioner: told apart from a retrieval recipe by its name, and planned without its data."""

import json

import pytest
from typer.testing import CliRunner

from hark.cli.main import app
from hark.recipe import captioner


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
