"""Old deployments are removed from the machine after a new one succeeded, and nothing else is."""

import json
import os
import shutil
import subprocess
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from agent.runtime.behaviours.retention import beyond
from tests.agent.runner.test_deploy_package import (
    custom,
    deploy,
    journal,
    make_zip,
    variables,
)
from tests.support.cases import case_name, cases

Agent = Any
ITEMS = {"OctopusRetentionPolicyItemsToKeep": "1"}
DAYS = {"OctopusRetentionPolicyDaysToKeep": "3"}


def version(agent: Agent, number: int, *more: dict[str, str], fails: bool = False) -> Any:
    script = custom("Deploy", "exit 1") if fails else {}
    return deploy(
        agent,
        {"index.html": f"{number}"},
        {name: text for part in (variables(), script, *more) for name, text in part.items()},
        package={"version": f"{number}.0.0"},
    )


def installed(agent: Agent, environment: str = "Staging") -> set[str]:
    folder = agent.home / "applications" / environment / "Acme.Web"
    return {path.name for path in folder.iterdir()}


def test_this_deployment_and_one_earlier_success_stay(agent: Agent) -> None:
    version(agent, 1)
    version(agent, 2, ITEMS)
    assert installed(agent) == {"1.0.0", "2.0.0"}
    # A failure does not count and removes nothing.
    version(agent, 3, ITEMS, fails=True)
    assert installed(agent) == {"1.0.0", "2.0.0", "3.0.0"}
    run = version(agent, 4, ITEMS)
    assert run.exit["exit"] == 0, run.text
    assert installed(agent) == {"2.0.0", "4.0.0"}
    assert "Keeping this deployment and 1 earlier successful ones" in run.text
    assert [entry["package_version"] for entry in journal(agent)] == ["2.0.0", "4.0.0"]
    assert run.records("phase")[-2:] == [
        {"t": "phase", "name": "Apply retention policy", "state": "started"},
        {"t": "phase", "name": "Apply retention policy", "state": "succeeded"},
    ]
    # The entry that scripts see as the previous installation is one that is there.
    shown = custom(
        "Deploy", "get_octopusvariable Octopus.Tentacle.PreviousInstallation.PackageVersion"
    )
    assert "4.0.0" in version(agent, 5, ITEMS, shown).text


def test_other_steps_environments_and_everything_without_a_policy_stay(agent: Agent) -> None:
    for number in (1, 2, 3):
        version(agent, number)
    version(agent, 1, {"Octopus.Action.Id": "action-2"}, ITEMS)
    version(agent, 1, {"Octopus.Environment.Id": "Environments-2"}, ITEMS)
    version(agent, 1, {"Octopus.Deployment.Tenant.Id": "Tenants-1"}, ITEMS)
    assert installed(agent) >= {"1.0.0", "2.0.0", "3.0.0"}
    assert len(journal(agent)) == 6


def test_days(agent: Agent) -> None:
    for number in (1, 2, 3):
        version(agent, number)
    path = agent.home / "deployment-journal.json"
    entries = journal(agent)
    for entry, age in zip(entries, (10, 4, 2), strict=True):
        entry["installed_on"] = (datetime.now(UTC) - timedelta(days=age)).isoformat()
    path.write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    version(agent, 4, DAYS)
    assert installed(agent) == {"3.0.0", "4.0.0"}


def test_custom_and_shared_directories_are_never_touched(agent: Agent, tmp_path: Path) -> None:
    site = tmp_path / "site"
    given = {
        "Octopus.Action.EnabledFeatures": "Octopus.Features.CustomDirectory",
        "Octopus.Action.Package.CustomInstallationDirectory": str(site),
    }
    for number in (1, 2, 3, 4):
        version(agent, number, given, ITEMS)
    assert (site / "index.html").read_text() == "4"
    assert installed(agent) == {"3.0.0", "4.0.0"}
    path = agent.home / "deployment-journal.json"
    kept = journal(agent)[0]
    # Another step's entry names the same directory; others name what is not an installation.
    odd = [
        {**kept, "id": "x", "retention_set": "another"},
        {**kept, "id": "y", "extracted_to": str(agent.home), "successful": False},
        {**kept, "id": "z", "extracted_to": "/", "successful": False},
    ]
    path.write_text("".join(json.dumps(entry) + "\n" for entry in [*odd, *journal(agent)]))
    run = version(agent, 5, ITEMS)
    assert run.exit["exit"] == 0, run.text
    assert "belongs to another deployment too and stays" in run.text
    assert installed(agent) == {"3.0.0", "4.0.0", "5.0.0"}
    assert journal(agent)[0]["id"] == "x"
    assert (site / "index.html").read_text() == "4"


def test_what_a_running_deployment_has_extracted_stays(agent: Agent, tmp_path: Path) -> None:
    wait = custom(
        "Deploy", f"touch {tmp_path}/here; until [ -e {tmp_path}/go ]; do sleep 0.05; done"
    )
    package = agent.add_package(make_zip({"index.html": "9"}), version="9.0.0")
    slow = agent.start(variables() | wait | ITEMS, kind="deploy_package", packages=[package])
    end = time.monotonic() + 60
    while not (tmp_path / "here").exists():
        assert time.monotonic() < end
        time.sleep(0.02)
    for number in (1, 2, 3, 4):
        assert version(agent, number, ITEMS).exit["exit"] == 0
    assert installed(agent) == {"3.0.0", "4.0.0", "9.0.0"}
    (tmp_path / "go").touch()
    assert slow.wait().exit["exit"] == 0
    assert installed(agent) == {"4.0.0", "9.0.0"}


def test_links_are_not_followed_and_a_missing_directory_is_forgotten(
    agent: Agent, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "data").write_text("dear")
    for number in (1, 2, 3):
        version(agent, number)
    folder = agent.home / "applications/Staging/Acme.Web"
    shutil.rmtree(folder / "1.0.0")
    (folder / "1.0.0").symlink_to(outside)
    (folder / "2.0.0" / "link").symlink_to(outside)
    version(agent, 4, ITEMS)
    assert installed(agent) == {"1.0.0", "3.0.0", "4.0.0"}
    assert (outside / "data").read_text() == "dear"
    assert len(journal(agent)) == 2


def test_what_cannot_be_removed_is_tried_again_and_fails_nothing(agent: Agent) -> None:
    for number in (1, 2):
        version(agent, number)
    folder = agent.home / "applications/Staging/Acme.Web/1.0.0"
    # Nested deeper than a process may have files open, or Python calls functions.
    descriptor = os.open(folder, os.O_RDONLY)
    for _ in range(5000):
        os.mkdir("d", dir_fd=descriptor)
        below = os.open("d", os.O_RDONLY, dir_fd=descriptor)
        os.close(descriptor)
        descriptor = below
    os.close(descriptor)
    run = version(agent, 3, ITEMS)
    assert run.exit["exit"] == 0, run.text
    assert "could not be removed and stays for now" in run.text
    assert len(journal(agent)) == 3
    subprocess.run(["rm", "-rf", folder / "d"], check=True)
    version(agent, 4, ITEMS)
    assert installed(agent) == {"3.0.0", "4.0.0"}


@pytest.mark.parametrize("case", cases("retention", "installations"), ids=case_name)
def test_which_entries_are_too_many(case: dict[str, Any]) -> None:
    """`earlier` has an entry for each letter, the oldest first: s succeeded, f failed."""
    entries = [
        {"n": number, "successful": letter == "s"} for number, letter in enumerate(case["earlier"])
    ]
    assert [entry["n"] for entry in beyond(entries, case["items"])] == case["removed"]
