"""Projects, groups, channels, lifecycles and settings."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from deployments.projects.models import Channel, Lifecycle, Project, ProjectGroup
from deployments.projects.queries import phases_of
from deployments.projects.settings import deployment_settings
from tests.factories import default_space, make_ana, make_ben, make_cleo, make_dan, make_space
from tests.factories.domain import (
    make_channel,
    make_environment,
    make_group,
    make_lifecycle,
    make_project,
    package_step,
)
from tests.factories.people import as_person, give_role, make_user
from tests.support.portal import Visitor, text_of

pytestmark = pytest.mark.django_db


def _group() -> ProjectGroup:
    return ProjectGroup.objects.in_space(default_space()).order_by("id")[0]


def _lifecycle() -> Lifecycle:
    return Lifecycle.objects.in_space(default_space()).order_by("id")[0]


def test_a_project_is_created_and_listed() -> None:
    ana = Visitor(make_ana())
    assert "No projects yet" in text_of(ana.get("projects"))
    sent = {
        "name": "Storefront",
        "group": _group().public_id,
        "lifecycle": _lifecycle().public_id,
    }
    answer = ana.post("projects/new", sent)
    project = Project.objects.in_space(default_space()).get()
    assert answer["Location"] == f"/app/Spaces-1/projects/{project.public_id}/process"
    assert "Storefront" in text_of(ana.get("projects", {"q": "store"}))
    again = ana.post("projects/new", sent)
    assert "already exists" in text_of(again)
    other = make_group("Other")
    assert "No project fits" in text_of(ana.get("projects", {"group": other.public_id}))


def test_the_number_of_queries_does_not_grow() -> None:
    ana = Visitor(make_ana())
    make_project()
    with CaptureQueriesContext(connection) as few:
        ana.get("projects")
    for _ in range(10):
        make_project(group=make_group())
    with CaptureQueriesContext(connection) as many:
        ana.get("projects")
    assert len(many) == len(few) <= 20


def test_groups_are_made_renamed_and_deleted() -> None:
    ana = Visitor(make_ana())
    ana.post("projects/groups", {"name": "Shop"})
    group = ProjectGroup.objects.in_space(default_space()).get(name="Shop")
    ana.post(f"projects/groups/{group.public_id}", {"name": "Store", "description": "all"})
    assert "Store all 0" in text_of(ana.get("projects/groups"))
    make_project(group=group)
    ana.post(f"projects/groups/{group.public_id}/delete")
    assert "still has projects" in text_of(ana.get("projects/groups"))


def test_settings_are_saved() -> None:
    project = make_project("Old", steps=[package_step("Acme.Web", "Deploy")])
    ana, path = Visitor(make_ana()), f"projects/{project.public_id}/settings"
    sent = {
        "name": "New",
        "group": _group().public_id,
        "lifecycle": _lifecycle().public_id,
        "versioning": "package",
        "donor": "Deploy\t",
        "guided_failure": "On",
        "skips": "on",
    }
    assert ana.post(path, sent).status_code == 302
    row = Project.objects.in_space(default_space()).get()
    settings = deployment_settings(row.settings)
    assert (row.name, row.slug) == ("New", project.slug)
    assert (settings.donor_action, settings.guided_failure) == ("Deploy", "On")
    assert settings.skip_unavailable_targets
    assert "Deploy: Acme.Web" in text_of(ana.get(path))
    refused = ana.post(path, {**sent, "donor": ""})
    assert "Choose the package" in text_of(refused)


def test_a_project_is_deleted_by_its_name() -> None:
    project = make_project("Storefront")
    ana, path = Visitor(make_ana()), f"projects/{project.public_id}/settings"
    ana.post(f"{path}/delete", {"confirm": "store"})
    assert "Nothing was deleted" in text_of(ana.get(path))
    ana.post(f"{path}/delete", {"confirm": "Storefront"})
    assert not Project.objects.in_space(default_space()).exists()


def test_channels_with_rules() -> None:
    project = make_project(steps=[package_step("Acme.Web", "Deploy")])
    ana, path = Visitor(make_ana()), f"projects/{project.public_id}/channels"
    more = ana.post(f"{path}/new", {"name": "Beta", "rules": "0", "do": "add-rule"})
    assert "Rule 1" in text_of(more)
    sent = {
        "name": "Beta",
        "rules": "2",
        "rule-0-range": "[1.0,2.0)",
        "rule-0-tag": "beta",
        "rule-0-packages": "Deploy\t",
    }
    assert ana.post(f"{path}/new", sent).status_code == 302
    row = Channel.objects.in_space(default_space()).get(name="Beta")
    [rule] = row.rules
    assert rule["VersionRange"] == "[1.0,2.0)"
    assert rule["ActionPackages"] == [{"DeploymentAction": "Deploy", "PackageReference": ""}]
    bad = ana.post(f"{path}/{row.public_id}", {**sent, "rule-0-range": "[nonsense"})
    assert bad.status_code == 400
    assert b"[nonsense" in bad.content
    ana.post(f"{path}/{row.public_id}", {**sent, "rule-0-removed": "1"})
    row.refresh_from_db(from_queryset=Channel.objects.in_space(default_space()))
    assert row.rules == []
    ana.post(f"{path}/{row.public_id}/delete")
    assert "The channel Beta was deleted." in text_of(ana.get(path))
    assert not Channel.objects.in_space(default_space()).filter(name="Beta").exists()


def test_lifecycles_with_phases() -> None:
    dev, prod = make_environment("Dev"), make_environment("Prod")
    ana = Visitor(make_ana())
    sent = {
        "name": "Two steps",
        "phases": "2",
        "phase-0-name": "First",
        f"phase-0-at-{dev.public_id}": "automatic",
        "phase-1-name": "Second",
        "phase-1-minimum": "1",
        f"phase-1-at-{prod.public_id}": "manual",
    }
    moved = ana.post("projects/lifecycles/new", {**sent, "do": "up-1"})
    names = [phase.name for _, phase in moved.context["phases"]]
    assert names == ["Second", "First"]
    assert not Lifecycle.objects.in_space(default_space()).filter(name="Two steps").exists()
    assert ana.post("projects/lifecycles/new", sent).status_code == 302
    row = Lifecycle.objects.in_space(default_space()).get(name="Two steps")
    first, second = phases_of(row)
    assert (first.automatic, second.manual, second.minimum) == ((dev.pk,), (prod.pk,), 1)
    page = ana.get(f"projects/lifecycles/{row.public_id}")
    assert b'value="Second"' in page.content
    twice = {**sent, f"phase-1-at-{dev.public_id}": "manual"}
    refused = ana.post(f"projects/lifecycles/{row.public_id}", twice)
    assert "more than one place" in text_of(refused)
    ana.post(f"projects/lifecycles/{row.public_id}/delete")
    assert "The lifecycle Two steps was deleted." in text_of(ana.get("projects/lifecycles"))


def test_phases_are_offered_the_environments_that_one_sees_and_those_they_have() -> None:
    dev, prod, test = (make_environment(name) for name in ("Dev", "Prod", "Test"))
    row, user = make_lifecycle(prod), make_user()
    limits = {"environment": [dev.public_id]}
    give_role(user, "userroles-spacemanager", default_space(), limits)
    keeper, own = Visitor(as_person(user)), f"projects/lifecycles/{row.public_id}"
    offered = [
        {each.name for each in keeper.get(path).context["environments"]}
        for path in ("projects/lifecycles/new", own)
    ]
    assert offered == [{"Dev"}, {"Dev", "Prod"}]
    sent = {
        "name": "Kept",
        "phases": "1",
        "phase-0-name": "All",
        **{f"phase-0-at-{each.public_id}": "manual" for each in (dev, prod, test)},
    }
    assert keeper.post(own, sent).status_code == 302
    [phase] = phases_of(row)
    assert set(phase.manual) == {dev.pk, prod.pk}


def test_one_that_is_used_is_not_deleted() -> None:
    row = make_lifecycle(make_environment())
    make_project("Storefront", lifecycle=row)
    ana = Visitor(make_ana())
    ana.post(f"projects/lifecycles/{row.public_id}/delete")
    assert "is used by Storefront" in text_of(ana.get(f"projects/lifecycles/{row.public_id}"))


def test_others_see_what_they_may() -> None:
    space = default_space()
    project = make_project("Storefront")
    channel = make_channel(project, "Beta")
    ben, cleo = Visitor(make_ben(space)), Visitor(make_cleo(space))
    dan = Visitor(make_dan(make_space()))
    base = f"projects/{project.public_id}"
    sent = {"name": "x", "group": _group().public_id, "lifecycle": _lifecycle().public_id}
    for visitor in (ben, cleo):
        assert "Create project" not in text_of(visitor.get("projects"))
        assert visitor.get("projects/lifecycles/new").status_code == 403
        assert visitor.post(f"{base}/settings/delete").status_code == 403
    assert "Save settings" in text_of(ben.get(f"{base}/settings"))
    assert "Save settings" not in text_of(cleo.get(f"{base}/settings"))
    assert cleo.post(f"{base}/settings", sent).status_code == 403
    assert cleo.post(f"{base}/channels/{channel.public_id}/delete").status_code == 403
    assert Project.objects.in_space(space).get().name == "Storefront"
    for path in ("projects", f"{base}/settings", f"{base}/channels"):
        assert dan.get(path).status_code == 404
