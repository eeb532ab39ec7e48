"""What a deployment brings to a place, and whether it goes forward or back."""

from dataclasses import dataclass
from typing import Any

import pytest

from deployments.execution.services.system_variables import system_variables
from deployments.releases.changes.rolling import brought, mode_of
from deployments.releases.models import Deployment
from tests.deployments.calls import S, send
from tests.factories import default_space, make_ana, make_cleo
from tests.factories.domain import (
    make_channel,
    make_deployment,
    make_environment,
    make_lifecycle,
    make_project,
    make_release,
    script_step,
)
from tests.support.cases import case_name, cases
from tests.support.portal import Visitor, text_of


@dataclass(frozen=True)
class Numbered:
    version: str


@pytest.mark.parametrize("case", cases("changes", "brought"), ids=case_name)
def test_brought(case: dict[str, Any]) -> None:
    releases = [Numbered(version) for version in case["releases"]]
    current, version = case["current"], case["version"]
    found = brought(releases, current=current, version=version)
    assert [row.version for row in found] == case["brought"]
    assert mode_of(current, version) == case["mode"]


def variables(deployment: Deployment) -> dict[str, str]:
    return system_variables(deployment, deployment.task)


@pytest.mark.django_db
def test_changes_and_mode_are_told_everywhere() -> None:
    dev = make_environment("Dev")
    project = make_project("Web", lifecycle=make_lifecycle(dev), steps=[script_step("Hello")])
    other = make_channel(project, "Other")
    first, second = make_release(project, "1.0.0"), make_release(project, "1.1.0", notes="Two #{x}")
    make_release(project, "1.1.5", channel=other, notes="Elsewhere")
    third = make_release(project, "1.2.0", notes="Three")
    done = make_deployment(first, dev, state="Success")
    make_deployment(second, dev, state="Failed")
    assert variables(done)["Octopus.Deployment.Mode"] == "Deploy"

    ana = make_ana()
    path = f"{S}/releases/{third.public_id}/deployments/preview/{dev.public_id}"
    preview = send(ana, "get", path)[1]
    assert [each["Version"] for each in preview["Changes"]] == ["1.1.0", "1.2.0"]
    page = text_of(Visitor(ana).get("projects/web/releases/1.2.0/deploy"))
    assert "Changes since 1.0.0" in page
    assert "Elsewhere" not in page
    forward = make_deployment(third, dev, state="Success")
    values = variables(forward)
    assert values["Octopus.Deployment.Mode"] == "Deploy"
    assert values["Octopus.Deployment.Changes[0].Version"] == "1.1.0"
    assert values["Octopus.Deployment.Changes[0].ReleaseNotes"] == "Two ##{x}"
    assert values["Octopus.Deployment.Changes[1].ReleaseNotes"] == "Three"
    again = send(ana, "get", f"{S}/deployments/{forward.public_id}")[1]
    assert again["Changes"] == preview["Changes"]
    assert again["ChangesMarkdown"].startswith("### 1.2.0\n\nThree\n\n### 1.1.0")

    assert "goes back from 1.2.0 to 1.0.0" in text_of(
        Visitor(ana).get("projects/web/releases/1.0.0/deploy")
    )
    back = make_deployment(first, dev)
    assert variables(back)["Octopus.Deployment.Mode"] == "Rollback"
    assert send(ana, "get", f"{S}/deployments/{back.public_id}")[1]["Changes"] == []
    assert variables(make_deployment(third, dev))["Octopus.Deployment.Mode"] == "Redeploy"


@pytest.mark.django_db
def test_one_button_leads_back_to_what_succeeded_before() -> None:
    dev = make_environment("Dev")
    project = make_project("Web", lifecycle=make_lifecycle(dev), steps=[script_step("Hello")])
    first, second = make_release(project, "1.0.0"), make_release(project, "1.1.0")
    ana, cleo = Visitor(make_ana()), Visitor(make_cleo(default_space()))
    make_deployment(first, dev, state="Success")
    assert "Back to" not in text_of(ana.get("projects/web"))
    make_deployment(second, dev, state="Failed")
    assert "Back to 1.0.0" in text_of(ana.get("projects/web"))
    assert "Back to" not in text_of(cleo.get("projects/web"))
    sent = {"environment": dev.public_id}
    assert ana.post("projects/web/releases/1.0.0/deploy", sent).status_code == 302
    newest = Deployment.objects.in_space(default_space()).order_by("-pk")[0]
    assert (newest.release, newest.options["mode"]) == (first, "Redeploy")
