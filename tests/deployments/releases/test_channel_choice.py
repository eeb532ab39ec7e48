"""Which channel a release goes to, and why a version is refused."""

from typing import Any

import pytest

from agent.versions import Version
from deployments.base.errors import Invalid
from deployments.projects.models import Project
from deployments.projects.version_rules import rules_from_json
from deployments.releases.channel_choice import AmbiguousChannel, ChannelCandidate, best_channel
from deployments.releases.channel_rules import PackageChoice
from tests.deployments.calls import S, send
from tests.factories import make_ana
from tests.factories.domain import (
    make_channel,
    make_environment,
    make_lifecycle,
    make_package,
    make_project,
    make_release,
    package_step,
)
from tests.support.cases import case_name, cases
from tests.support.portal import Visitor, text_of


def rule(version_range: str, tag: str, action: str = "Deploy") -> dict[str, Any]:
    package = {"DeploymentAction": action, "PackageReference": ""}
    return {"VersionRange": version_range, "Tag": tag, "ActionPackages": [package]}


@pytest.mark.parametrize("case", cases("channel_rules", "channels"), ids=case_name)
def test_the_channel_that_fits(case: dict[str, Any]) -> None:
    choices = tuple(
        PackageChoice(action, "", f"Acme.{action}", version)
        for action, version in case["versions"].items()
    )
    candidates = [
        ChannelCandidate(
            name,
            name == "Default",
            rules_from_json(
                [rule(version_range, tag, action) for action, (version_range, tag) in rules.items()]
            ),
            choices,
        )
        for name, rules in case["channels"].items()
    ]
    if "ambiguous" in case:
        with pytest.raises(AmbiguousChannel) as caught:
            best_channel(candidates)
        assert list(caught.value.names) == case["ambiguous"]
    else:
        assert best_channel(candidates).name == case["channel"]


@pytest.mark.parametrize("case", cases("channel_rules", "why_not"), ids=case_name)
def test_why_a_version_is_refused(case: dict[str, Any]) -> None:
    [found] = rules_from_json([rule(case["range"], case["tag"])])
    assert found.why_not(Version.parse(case["version"])) == case["why"]


@pytest.fixture
def project(db: None) -> Project:
    for version in ("1.0.0", "1.1.0", "2.0.0-beta.1"):
        make_package("Acme.Web", version)
    lifecycle = make_lifecycle(make_environment("Dev"))
    project = make_project("Web", lifecycle=lifecycle, steps=[package_step("Acme.Web", "Deploy")])
    channel = project.channels.get()
    channel.rules = [rule("", "^$")]
    channel.save()
    make_channel(project, "Beta", rules=[rule("", "^beta")])
    return project


def cut(**body: Any) -> tuple[int, Any]:
    return send(make_ana(), "post", f"{S}/releases/create/v1", {"projectName": "web", **body})


def test_the_same_choice_on_every_way(project: Project) -> None:
    assert make_release(project).channel.name == "Default"
    status, body = cut(packageVersion="2.0.0-beta.1")
    assert status == 201
    beta = make_release(project, package_version="2.0.0-beta.1")
    assert beta.channel.name == "Beta"
    created = project.releases.get(version=body["ReleaseVersion"])
    assert created.channel.name == "Beta"


def test_nothing_fits_or_two_do(project: Project) -> None:
    make_package("Acme.Web", "3.0.0-rc.1")
    with pytest.raises(Invalid, match="does not satisfy the pre-release tag"):
        make_release(project, package_version="3.0.0-rc.1")
    assert make_release(
        project, package_version="3.0.0-rc.1", ignore_channel_rules=True
    ).channel.is_default
    make_channel(project, "Preview", rules=[rule("", "beta")])
    with pytest.raises(Invalid, match="more than one channel: Beta, Preview"):
        make_release(project, package_version="2.0.0-beta.1")


def test_old_versions_and_the_best_are_on_the_page(project: Project) -> None:
    """A channel whose versions are older than the thirty newest still finds its newest one."""
    make_channel(project, "Old", rules=[rule("[1.0,1.1]", "^$")])
    for number in range(40):
        make_package("Acme.Web", f"3.{number}.0")
    ana = Visitor(make_ana())
    page = ana.get("projects/web/releases/create", {"channel": "old"}).content.decode()
    assert "1.1.0 (newest that fits)" in page
    assert "3.39.0 (outside the range [1.0,1.1]; fits Default)" in page
    text = text_of(ana.get("projects/web/releases/create"))
    assert "3.39.0 (newest that fits)" in text
    assert "older versions not listed" in text


def test_the_page_says_what_was_used_last(project: Project) -> None:
    make_release(project, package_version="1.0.0")
    ana = Visitor(make_ana())
    page = ana.get("projects/web/releases/create").content.decode()
    assert "1.0.0 (last used)" in page
    assert "2.0.0-beta.1 (tag beta.1 does not match ^$; fits Beta)" in page


def test_a_copy_has_the_same_packages_and_notes(project: Project) -> None:
    make_release(project, "1.0.0", package_version="1.0.0", notes="As before")
    ana = Visitor(make_ana())
    assert "copy=1.0.0" in ana.get("projects/web/releases/1.0.0").content.decode()
    page = ana.get("projects/web/releases/create", {"copy": "1.0.0"}).content.decode()
    assert "As before" in page
    assert '<option value="1.0.0" selected>' in page
    assert 'value="1.0.1"' in page
