"""Every app is there, under its name and label, and has only the parts that an app may have."""

import re
from pathlib import Path

from django.apps import apps
from django.conf import settings

from agent.version import VERSION
from tests.architecture.tree import APPS, PACKAGES, ROOT, code_modules, repository_files


def test_every_app_has_its_name_and_label() -> None:
    ours = {
        config.name: config.label
        for config in apps.get_app_configs()
        if config.name.split(".")[0] in PACKAGES
    }
    assert ours.pop("octopus_site") == "octopus_site"
    assert ours == APPS


def test_upper_apps_come_first_so_that_their_templates_and_commands_win() -> None:
    names = [name.partition(".apps.")[0] for name in settings.INSTALLED_APPS]
    order = [name for name in names if name in APPS]
    assert order.index("deployments.base") == len(order) - 1
    assert order.index("deployments.insights") == 0


def test_the_top_level_is_fixed() -> None:
    allowed = {
        *PACKAGES,
        *("templates", "tests", "docs", "benchmarks", ".ci"),
        *("manage.py", "pyproject.toml", "Makefile", "constraints.txt"),
        *("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "LICENSE"),
        *(".gitignore", ".editorconfig", ".gitattributes"),
    }
    assert {name.split("/")[0] for name in repository_files()} <= allowed


def test_every_package_folder_is_a_package() -> None:
    folders = {Path(module.path).parent for module in code_modules()}
    bare = {str(folder) for folder in folders if not (ROOT / folder / "__init__.py").exists()}
    assert not bare


def test_a_package_init_holds_no_logic() -> None:
    """Only `models`, `services` and the like re-export; nothing is defined in an __init__."""
    long = {
        module.path: module.lines
        for module in code_modules()
        if module.path.endswith("/__init__.py") and module.lines > 150
    }
    assert not long


def test_the_changelog_begins_with_this_version() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.findall(r"^## \[(.+?)\]", text, re.MULTILINE)[0] == VERSION


def test_decisions_have_numbers_of_their_own_and_stand_in_the_list() -> None:
    """A number is given when work on a decision begins; one that came to nothing is not reused."""
    folder = ROOT / "docs" / "adr"
    names = sorted(path.name for path in folder.glob("0*.md"))
    assert len({name[:4] for name in names}) == len(names) >= 22
    listed = re.findall(
        r"^- \[(\d{4})\]\((\S+)\)", (folder / "README.md").read_text(), re.MULTILINE
    )
    assert listed == [(name[:4], name) for name in names]
