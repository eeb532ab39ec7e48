"""The pages of tenants, and what tags and tenants do on the pages of others."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from deployments.infrastructure.models import Machine
from deployments.infrastructure.queries import tenant_numbers_of_machines
from deployments.projects.models import Channel, Project
from deployments.projects.queries import process_of, read_process
from deployments.releases.models import Deployment
from tenants.models import TagSet, Tenant, TenantLogo
from tenants.queries import connections_of, tag_names
from tenants.web.tag_sets import in_order
from tests.factories import default_space, make_ana, make_cleo, make_dan, make_space
from tests.factories.domain import (
    make_environment,
    make_lifecycle,
    make_machine,
    make_project,
    make_release,
    script_step,
)
from tests.factories.tenants import make_tag_set, make_tenant, make_tenanted_project
from tests.support.portal import Visitor, text_of

pytestmark = pytest.mark.django_db

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20


def _tenant(name: str) -> Tenant:
    return Tenant.objects.in_space(default_space()).get(name=name)


def test_tag_sets_are_made_changed_and_deleted() -> None:
    ana = Visitor(make_ana())
    assert "No tag sets yet" in text_of(ana.get("tenants/tag-sets"))
    assert ana.get("tenants/tag-sets/new").status_code == 200
    sent = {
        "name": "Ring",
        "kind": "SingleSelect",
        "scopes": ["Tenant", "Runbook"],
        "tag-id": ["", "", ""],
        "tag-name": ["Alpha", "Beta", ""],
        "tag-color": ["#ff0000", "#00ff00", "#000000"],
        "tag-description": ["first", "", ""],
    }
    assert ana.post("tenants/tag-sets/new", sent).status_code == 302
    row = TagSet.objects.in_space(default_space()).get()
    assert [tag.name for tag in row.tags.all()] == ["Alpha", "Beta"]
    path = f"tenants/tag-sets/{row.public_id}"
    assert "Ring" in text_of(ana.get(path))
    assert "Tenants and runbooks" in text_of(ana.get("tenants/tag-sets"))
    assert "Scopes must be some of" in text_of(ana.post(path, {**sent, "scopes": []}))
    first, second = (str(tag.pk) for tag in row.tags.all())
    sent |= {"tag-id": [first, second, ""], "removed": [first], "tag-color": ["red", "red", "red"]}
    refused = ana.post(path, sent)
    assert (refused.status_code, "#RRGGBB" in text_of(refused)) == (400, True)
    sent |= {"tag-color": ["#ff0000"] * 3}
    assert ana.post(path, sent).status_code == 302
    assert [tag.name for tag in row.tags.all()] == ["Beta"]
    make_tenant("Acme", "Ring/Beta")
    assert ana.post(f"{path}/delete").status_code == 302
    assert "the tenant 'Acme'" in text_of(ana.get(path))


@pytest.mark.parametrize(
    ("places", "expected"),
    [
        (["1", "2", "3", "4"], "abcd"),
        (["1", "2", "3", "1"], "dabc"),
        (["3", "2", "3", "4"], "bcad"),
        (["", "9", "x", "4"], "acdb"),
        (["0"], "abcd"),
        ([], "abcd"),
    ],
)
def test_tags_come_to_the_place_that_was_typed(places: list[str], expected: str) -> None:
    assert "".join(in_order("abcd", places)) == expected


def test_tags_are_put_into_order_on_the_page() -> None:
    ana = Visitor(make_ana())
    make_tag_set("Ring")
    row = TagSet.objects.in_space(default_space()).get()
    tags = list(row.tags.all())
    sent = {
        "name": "Ring",
        "kind": "MultiSelect",
        "scopes": ["Tenant"],
        "tag-id": [str(tag.pk) for tag in tags],
        "tag-name": [tag.name for tag in tags],
        "tag-color": [tag.color for tag in tags],
        "tag-description": ["" for _ in tags],
        "tag-order": [*(str(at) for at in range(1, len(tags))), "1"],
    }
    assert ana.post(f"tenants/tag-sets/{row.public_id}", sent).status_code == 302
    names = [tag.name for tag in row.tags.all()]
    assert names == [tags[-1].name, *(tag.name for tag in tags[:-1])]


def test_tag_sets_are_put_into_order() -> None:
    ana, cleo = Visitor(make_ana()), Visitor(make_cleo(default_space()))
    for name in ("Ring", "Region", "Size"):
        make_tag_set(name)
    region = TagSet.objects.in_space(default_space()).get(name="Region")
    path = f"tenants/tag-sets/{region.public_id}/move"

    def names() -> list[str]:
        return [row.name for row in TagSet.objects.in_space(default_space())]

    for way, order in (
        ("up", ["Region", "Ring", "Size"]),
        ("up", ["Region", "Ring", "Size"]),
        ("down", ["Ring", "Region", "Size"]),
    ):
        assert ana.post(path, {"way": way}).status_code == 302
        assert names() == order
    assert cleo.post(path, {"way": "up"}).status_code == 403
    assert "Move Region up" not in cleo.get("tenants/tag-sets").content.decode()


def test_a_tenant_is_made_found_and_changed() -> None:
    ana = Visitor(make_ana())
    make_tag_set("Ring")
    assert "No tenants yet" in text_of(ana.get("tenants"))
    assert "Alpha" in text_of(ana.get("tenants/new"))
    assert ana.post("tenants/new", {"name": ""}).status_code == 400
    assert ana.post("tenants/new", {"name": "Acme", "tags": ["Ring/Alpha"]}).status_code == 302
    make_tenant("Beta", "Ring/Beta")
    found = text_of(ana.get("tenants", {"tag": "Ring/Alpha"}))
    assert "Acme" in found.partition("Projects Acme")[1] + found
    assert "Beta" not in found.partition("Filter")[2].partition("Tenant Description")[2]
    assert "No tenant fits" in text_of(ana.get("tenants", {"q": "nobody"}))
    path = f"tenants/{_tenant('Acme').public_id}"
    assert "Not connected to a project" in text_of(ana.get(path))
    assert ana.get(f"{path}/settings").status_code == 200
    sent = {"name": "Acme Ltd", "tags": ["Ring/Beta"], "is_disabled": "on"}
    assert ana.post(f"{path}/settings", sent).status_code == 302
    row = _tenant("Acme Ltd")
    assert (row.is_disabled, tag_names(row)) == (True, ("Ring/Beta",))
    assert ana.post(f"{path}/clone", {"name": "Copy"}).status_code == 302
    assert tag_names(_tenant("Copy")) == ("Ring/Beta",)
    ana.post(f"{path}/delete", {"confirm": "Acme"})
    assert ana.get(path).status_code == 200
    ana.post(f"{path}/delete", {"confirm": "Acme Ltd"})
    assert ana.get(path).status_code == 404


def test_a_picture_comes_and_goes() -> None:
    ana = Visitor(make_ana())
    row = make_tenant("Acme")
    path = f"tenants/{row.public_id}/logo"
    assert ana.get(path).status_code == 404
    ana.post(path, {"file": SimpleUploadedFile("a.png", b"<html>")})
    assert not TenantLogo.objects.filter(tenant=row).exists()
    ana.post(path, {"file": SimpleUploadedFile("a.png", PNG)})
    answer = ana.get(path)
    assert (answer.content, answer["Content-Type"]) == (PNG, "image/png")
    ana.post(path)
    assert not TenantLogo.objects.filter(tenant=row).exists()


def test_a_tenant_is_connected_and_the_project_opened_for_tenants() -> None:
    ana = Visitor(make_ana())
    dev = make_environment("Dev")
    project = make_project("Web", lifecycle=make_lifecycle(dev))
    row = make_tenant("Acme")
    path = f"tenants/{row.public_id}"
    page = text_of(ana.get(f"{path}/connect", {"project": project.public_id}))
    assert "not deployed for tenants yet" in page
    sent = {"project": project.public_id, "environments": [dev.public_id]}
    assert ana.post(f"{path}/connect", sent).status_code == 400
    assert ana.post(f"{path}/connect", {**sent, "allow_tenants": "on"}).status_code == 302
    assert connections_of([row.pk])[row.pk] == {project.pk: (dev.pk,)}
    stored = Project.objects.in_space(default_space()).get(pk=project.pk)
    assert stored.extra["TenantedDeploymentMode"] == "TenantedOrUntenanted"
    assert "Dev" in text_of(ana.get(path))
    assert ana.post(f"{path}/disconnect", sent).status_code == 302
    assert connections_of([row.pk])[row.pk] == {}


def test_a_release_is_deployed_for_a_tenant() -> None:
    ana = Visitor(make_ana())
    make_tag_set("Ring")
    dev = make_environment("Dev")
    project = make_tenanted_project("Web", lifecycle=make_lifecycle(dev), steps=[script_step()])
    acme = make_tenant("Acme", "Ring/Alpha", connections={project: [dev]})
    off = make_tenant("Off", connections={project: [dev]}, is_disabled=True)
    make_release(project, "1.0.0")
    path = f"projects/{project.public_id}/releases/1.0.0/deploy"
    page = text_of(ana.get(path))
    assert "choose one first" in page
    assert "The tenant 'Off' is disabled" in page
    assert ana.get(path, {"tenant": off.public_id}).status_code == 404
    assert "Deploy 1.0.0 to Dev for Acme" in text_of(ana.get(path, {"tenant": acme.public_id}))
    sent = {"tenant": acme.public_id, "environment": dev.public_id}
    assert ana.post(path, sent).status_code == 302
    row = Deployment.objects.in_space(default_space()).get()
    assert row.tenant_number == acme.pk
    release = text_of(ana.get(f"projects/{project.public_id}/releases/1.0.0"))
    assert "Dev for Acme" in release
    assert "The tenant 'Off' is disabled" in release
    without = ana.post(path, {"environment": dev.public_id})
    assert without.status_code == 200
    assert Deployment.objects.in_space(default_space()).count() == 1


def test_targets_steps_channels_and_values_name_tags() -> None:
    ana = Visitor(make_ana())
    make_tag_set("Ring")
    dev = make_environment("Dev")
    acme = make_tenant("Acme")
    machine = make_machine(dev, name="web-1")
    target = f"infrastructure/targets/{machine.public_id}"
    sent = {
        "name": "web-1",
        "roles": "web",
        "environments": [dev.public_id],
        "participation": "Tenanted",
        "tenants": "acme",
        "tenant_tags": "ring/alpha",
    }
    assert ana.post(target, sent).status_code == 302
    stored = Machine.objects.in_space(default_space()).get(pk=machine.pk)
    assert (stored.tenanted_participation, stored.tenant_tags) == ("Tenanted", ["Ring/Alpha"])
    assert tenant_numbers_of_machines([stored])[stored.pk] == [acme.pk]
    assert "Acme" in text_of(ana.get(target))
    assert ana.post(target, {**sent, "tenants": "nobody"}).status_code == 400

    project = make_project("Web", steps=[script_step()])
    base = f"projects/{project.public_id}"
    [(_, action)] = read_process(process_of(project)).actions()
    assert "Ring/Alpha" in text_of(ana.get(f"{base}/process", {"step": action.id}))
    channel = {"name": "Early", "tenant_tags": ["Ring/Alpha"], "rules": "0"}
    assert ana.post(f"{base}/channels/new", channel).status_code == 302
    early = Channel.objects.in_space(default_space()).get(name="Early")
    assert early.extra["TenantTags"] == ["Ring/Alpha"]
    assert "Ring/Alpha" in text_of(ana.get(f"{base}/variables", {"add": "Db"}))


def test_who_may_do_what() -> None:
    row, tag_set = make_tenant("Acme"), make_tag_set()
    cleo = Visitor(make_cleo(default_space()))
    assert "Acme" in text_of(cleo.get("tenants"))
    assert "Create tenant" not in text_of(cleo.get("tenants"))
    assert cleo.get(f"tenants/{row.public_id}").status_code == 200
    assert cleo.get("tenants/tag-sets").status_code == 200
    for path in (
        "tenants/new",
        f"tenants/{row.public_id}/settings",
        "tenants/tag-sets/new",
        f"tenants/tag-sets/{tag_set.public_id}",
    ):
        assert cleo.get(path).status_code == 403, path
    for path in ("clone", "delete", "logo", "disconnect"):
        assert cleo.post(f"tenants/{row.public_id}/{path}", {"name": "x"}).status_code == 403, path
    assert Visitor(make_dan(make_space("Elsewhere"))).get("tenants").status_code == 404
