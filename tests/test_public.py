"""What `import hark` offers, the pages made from the code, and the README's own words."""

import subprocess
import sys
from pathlib import Path

import hark

ROOT = Path(__file__).parents[1]


def test_public_names_are_sorted_complete_and_there() -> None:
    assert hark.__all__ == sorted(hark.__all__)
    for name in hark.__all__:
        assert getattr(hark, name).__doc__


def test_an_unknown_name_is_an_attribute_error() -> None:
    assert not hasattr(hark, "no_such_name")


def test_import_costs_nothing() -> None:
    code = "import sys, hark; print({'torch', 'numpy'} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "set()\n"


def test_generated_pages_are_up_to_date() -> None:
    found = subprocess.run(
        [sys.executable, ROOT / "docs" / "make.py", "--check"], capture_output=True, text=True, check=False
    )
    assert found.returncode == 0, found.stderr


def test_the_ci_script_runs_the_readmes_test_command() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert "\nmake test" in readme
    assert "\nmake test" in script
    assert "\nmake check" in script


def test_every_link_in_the_docs_leads_somewhere() -> None:
    import re

    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "src").rglob("*.md")]
    assert len(pages) > 5
    for page in pages:
        for link in re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8")):
            if "://" not in link:
                assert (page.parent / link).exists(), f"{page}: {link}"
