"""Blocking and unblocking the progression of a release."""

import pytest

from deployments.base.errors import Invalid, NotPermitted
from deployments.base.models import Event
from deployments.infrastructure.models import Environment
from deployments.projects.models import Project
from deployments.releases.queries import progression_of, progressions_in, progressions_of
from deployments.releases.services.defects import report_defect, resolve_defect
from tests.deployments.calls import S, send
from tests.factories import (
    SYSTEM,
    default_space,
    make_ana,
    make_ben,
    make_cleo,
    make_dan,
    make_space,
)
from tests.factories.domain import (
    make_deployment,
    make_lifecycle,
    make_project,
    make_release,
    script_step,
)
from tests.support.portal import Visitor, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def project(dev: Environment, prod: Environment) -> Project:
    return make_project("Web", lifecycle=make_lifecycle(dev, prod), steps=[script_step()])


def test_a_defect_closes_phases_without_a_success(
    project: Project, dev: Environment, prod: Environment
) -> None:
    release = make_release(project)
    make_deployment(release, dev, state="Success")
    report_defect(actor=SYSTEM, release=release, description=" Loses orders ")
    make_deployment(release, dev)
    with pytest.raises(Invalid, match="its progression is prevented"):
        make_deployment(release, prod)
    lifecycles = {release.pk: project.lifecycle_id}
    for found in (
        progression_of(release),
        progressions_of([release])[release.pk],
        progressions_in(project.space, lifecycles)[release.pk],
    ):
        assert found.has_defect
        assert not found.may_deploy_to(prod.pk)
    resolve_defect(actor=SYSTEM, release=release)
    make_deployment(release, prod)


def test_a_failure_does_not_keep_a_phase_open(
    project: Project, dev: Environment, prod: Environment
) -> None:
    release = make_release(project)
    make_deployment(release, dev, state="Success")
    make_deployment(release, prod, state="Failed")
    report_defect(actor=SYSTEM, release=release, description="x")
    assert not progression_of(release).may_deploy_to(prod.pk)


def test_one_defect_at_a_time_with_a_reason(project: Project) -> None:
    release = make_release(project)
    for text in ("", "  ", "x" * 2001):
        with pytest.raises(Invalid, match="Say what is wrong"):
            report_defect(actor=SYSTEM, release=release, description=text)
    with pytest.raises(Invalid, match="is not blocked"):
        resolve_defect(actor=SYSTEM, release=release)
    report_defect(actor=SYSTEM, release=release, description="One")
    with pytest.raises(Invalid, match="is blocked already"):
        report_defect(actor=SYSTEM, release=release, description="Two")
    resolve_defect(actor=SYSTEM, release=release)
    report_defect(actor=SYSTEM, release=release, description="Two")
    names = Event.objects.filter(subject_id=release.public_id).order_by("id")
    assert list(names.values_list("category", flat=True)) == [
        "Created",
        "DefectReported",
        "DefectResolved",
        "DefectReported",
    ]


def test_over_rest(project: Project) -> None:
    ana = make_ana()
    release = make_release(project)
    path = f"{S}/releases/{release.public_id}/defects"
    body = {"ReleaseId": release.public_id, "Description": "Loses orders"}
    status, defect = send(ana, "post", path, body)
    assert (status, defect["Status"]) == (200, "Unresolved")
    status, answer = send(ana, "post", path, body)
    assert status == 400
    assert "is blocked already" in answer["Errors"][0]
    status, answer = send(ana, "get", f"{S}/projects/{project.public_id}/progression")
    assert answer["Releases"][0]["HasUnresolvedDefect"] is True
    assert answer["Releases"][0]["ReleaseRetentionPeriod"]["ShouldKeepForever"] is True
    status, answer = send(ana, "get", f"{S}/releases/{release.public_id}/progression")
    assert [phase["Blocked"] for phase in answer["Phases"]] == [False, True]
    status, answer = send(ana, "post", f"{path}/resolve")
    assert (status, answer["Status"]) == (200, "Resolved")
    status, answer = send(ana, "get", path)
    assert [row["Status"] for row in answer["Items"]] == ["Resolved"]
    assert answer["Items"][0]["Id"] == defect["Id"]


def test_who_may_block(project: Project, dev: Environment) -> None:
    release = make_release(project)
    path = f"{S}/releases/{release.public_id}/defects"
    body = {"Description": "x"}
    cleo = make_cleo(default_space())
    people = [
        (make_ben(default_space(), dev.public_id), 200, 200),
        (cleo, 200, 403),
        (make_dan(make_space()), 404, 404),
    ]
    for person, reads, writes in people:
        assert send(person, "get", path)[0] == reads
        assert send(person, "post", path, body)[0] == writes
        assert send(person, "post", f"{path}/resolve")[0] == writes
    with pytest.raises(NotPermitted):
        report_defect(actor=cleo.actor, release=release, description="x")


def test_on_the_pages(project: Project, dev: Environment) -> None:
    release = make_release(project, "1.0.0")
    make_deployment(release, dev, state="Success")
    ana, cleo = Visitor(make_ana()), Visitor(make_cleo(default_space()))
    page = "projects/web/releases/1.0.0"
    assert "Say what is wrong" in text_of(ana.post(f"{page}/block", {"description": " "}))
    assert ana.post(f"{page}/block", {"description": "Loses <b>orders</b>"}).status_code == 302
    text = text_of(cleo.get(page))
    assert "Progression is blocked Loses <b>orders</b>" in text
    assert "The progression of this release is blocked." in text
    assert "Blocked" in text_of(cleo.get("projects/web/releases"))
    assert "is blocked Loses <b>orders</b>" in text_of(ana.get(f"{page}/deploy"))
    assert "You need the permission DefectResolve" in text_of(cleo.get(f"{page}/block"))
    assert cleo.post(f"{page}/block", {"do": "unblock"}).status_code == 403
    assert ana.post(f"{page}/block", {"do": "unblock"}).status_code == 302
    assert "Progression is blocked" not in text_of(cleo.get(page))
    assert "Loses <b>orders</b>" in text_of(cleo.get(f"{page}/block"))
