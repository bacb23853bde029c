"""Files that are found by name: in the package, in plug-in folders, by path; and nothing outside of them."""

import pytest

from hark.core.errors import SettingError
from hark.core.shelf import Shelf

PIES = Shelf("pies", "pie")


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    (tmp_path / "plugin" / "pies" / "sweet").mkdir(parents=True)
    (tmp_path / "plugin" / "pies" / "sweet" / "apple.toml").write_text("about = 'apples'")
    (tmp_path / "plugin" / "other.toml").write_text("about = 'not a pie'")
    monkeypatch.setenv("HARK_PLUGINS", str(tmp_path / "plugin"))
    return tmp_path


def test_a_file_is_found_by_its_name_and_by_its_path(plugin) -> None:
    path = plugin / "plugin" / "pies" / "sweet" / "apple.toml"
    assert PIES.names() == ["sweet/apple"]
    assert PIES.find("sweet/apple") == path
    assert PIES.text("sweet/apple") == ("about = 'apples'", "sweet/apple")
    assert PIES.text(str(path)) == ("about = 'apples'", "apple")


@pytest.mark.parametrize("name", ["../other", "sweet/../sweet/apple", "sweet", "sweet/aple"])
def test_nothing_else_is_found(plugin, name: str) -> None:
    with pytest.raises(SettingError, match="no pie"):
        PIES.find(name)


def test_a_path_that_leads_nowhere_is_told(plugin) -> None:
    with pytest.raises(SettingError, match="no such pie file"):
        PIES.find(str(plugin / "cherry.toml"))


def test_what_is_no_toml_or_names_itself_is_told() -> None:
    assert PIES.settings("about = 'x'", name="plum") == {"name": "plum", "about": "x"}
    with pytest.raises(SettingError, match=r"plum\.toml: not TOML"):
        PIES.settings("about = ", name="plum")
    with pytest.raises(SettingError, match=r"the file's name is the pie's name"):
        PIES.settings("name = 'pear'", name="plum")
