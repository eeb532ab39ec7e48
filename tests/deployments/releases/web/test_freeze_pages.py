"""The pages of deployment freezes, and what the deploy page says of them."""

from datetime import timedelta

import pytest

from deployments.base.clock import utc_now
from deployments.releases.models import Deployment, DeploymentFreeze, FreezeScope
from tests.factories import default_space, make_ana, make_ben, make_cleo
from tests.factories.domain import (
    make_environment,
    make_lifecycle,
    make_project,
    make_release,
    script_step,
)
from tests.factories.people import as_person, give_role, make_user
from tests.factories.tenants import make_tenant, make_tenanted_project
from tests.support.portal import Visitor, text_of

pytestmark = pytest.mark.django_db
LIST = "administration/freezes"


def test_a_freeze_from_its_form_to_its_end() -> None:
    dev, prod = make_environment("Dev"), make_environment("Prod")
    project = make_project("Web", lifecycle=make_lifecycle(dev, prod), steps=[script_step("Hi")])
    make_release(project, "1.0.0")
    ana, ben = Visitor(make_ana()), Visitor(make_ben(default_space(), dev.public_id))
    assert "No freezes" in text_of(ana.get(LIST))
    start = utc_now() - timedelta(hours=1)
    form = {
        "name": "Year end",
        "start": f"{start:%Y-%m-%dT%H:%M}",
        "end": f"{start + timedelta(days=2):%Y-%m-%dT%H:%M}",
        "time_zone": "UTC",
        "type": "Annually",
        "unit": "1",
        "ends": "Never",
        "project": [project.pk],
    }
    refused = ana.post(f"{LIST}/new", {**form, "end": ""})
    assert (refused.status_code, "Give a date and a time." in text_of(refused)) == (400, True)
    assert "Mark the environments" in text_of(ana.post(f"{LIST}/new", form))
    assert ana.post(f"{LIST}/new", {**form, "environment": [dev.pk]}).status_code == 302
    page = text_of(ana.get(LIST))
    assert "Frozen now 1" in page
    assert "Every year" in page
    assert "Web: Dev" in page
    freeze = DeploymentFreeze.objects.in_space(default_space()).get()
    path = f"{LIST}/{freeze.public_id}"
    assert "You may look only" in text_of(ben.get(path))
    assert ben.post(path, form).status_code == 403

    deploy = "projects/web/releases/1.0.0/deploy"
    said = text_of(ben.get(deploy))
    assert "The deployment freeze 'Year end' holds until" in said
    assert "DeploymentFreezeAdminister" in said
    sent = {"environment": dev.public_id}
    assert ana.post(deploy, sent).status_code == 400
    assert ana.post(deploy, {**sent, "freeze_reason": "The board agreed"}).status_code == 302
    deployment = Deployment.objects.in_space(default_space()).get()
    assert deployment.options["freeze_reason"] == "The board agreed"

    place = f"{project.pk}:{prod.pk}:"
    assert ana.post(path, {**form, "project": [], "place": [place]}).status_code == 302
    assert FreezeScope.objects.get().environment == prod
    assert ana.post(f"{path}/delete").status_code == 302
    assert "No freezes" in text_of(Visitor(make_cleo(default_space())).get(LIST))


def test_places_of_single_tenants() -> None:
    dev = make_environment("Dev")
    project = make_tenanted_project("Web", lifecycle=make_lifecycle(dev))
    acme, bolt = (make_tenant(name, connections={project: [dev]}) for name in ("Acme", "Bolt"))
    ana = Visitor(make_ana())
    start = utc_now() - timedelta(hours=1)
    form = {
        "name": "Audit",
        "start": f"{start:%Y-%m-%dT%H:%M}",
        "end": f"{start + timedelta(days=2):%Y-%m-%dT%H:%M}",
        "time_zone": "UTC",
    }
    added = {"project": [project.pk], "environment": [dev.pk], "tenant": [acme.pk, bolt.pk]}
    assert ana.post(f"{LIST}/new", {**form, **added}).status_code == 302
    assert "Web: Dev for Acme, Dev for Bolt" in text_of(ana.get(LIST))
    path = f"{LIST}/{DeploymentFreeze.objects.in_space(default_space()).get().public_id}"
    assert "Web in Dev for Acme" in text_of(ana.get(path))

    # Somebody who does not see Bolt does not take its place away.
    ben = make_user("ben2")
    give_role(ben, "userroles-spacemanager", default_space(), {"tenant": [acme.public_id]})
    visitor = Visitor(as_person(ben))
    page = text_of(visitor.get(path))
    assert ("for Acme" in page, "for Bolt" in page) == (True, False)
    assert "1 place that you may not see stays as it is." in page
    assert visitor.post(path, form).status_code == 302
    assert [scope.tenant_number for scope in FreezeScope.objects.all()] == [bolt.pk]
    kept = f"{project.pk}:{dev.pk}:{bolt.pk}"
    assert ana.post(path, {**form, "place": [kept, "1:x:", "9:9:9", ":"]}).status_code == 302
    assert FreezeScope.objects.get().tenant_number == bolt.pk
    assert ana.post(path, form).status_code == 302
    assert not FreezeScope.objects.exists()
