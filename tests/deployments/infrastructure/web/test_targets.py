"""The pages of deployment targets and workers, and adding a target."""

import hashlib
import re
import shlex

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from deployments.infrastructure.models import Environment, Machine, RegistrationToken, WorkerPool
from deployments.infrastructure.services.registration import Wish
from deployments.infrastructure.services.registration_tokens import (
    create_registration_token,
    register_with_token,
)
from tests.factories import default_space, make_ana, make_ben, make_cleo, make_dan, make_space
from tests.factories.domain import make_environment, make_machine
from tests.support.portal import Visitor, text_of

pytestmark = pytest.mark.django_db
LIST = "infrastructure/targets"


def test_the_list_is_filtered() -> None:
    staging, production = make_environment("Staging"), make_environment("Production")
    make_machine(staging, name="stage", roles=["web", "db"])
    make_machine(production, name="prod", roles=["web"])
    ana = Visitor(make_ana())

    def shown(**query: str) -> set[str]:
        return set(re.findall(r'Machines-\d+">(\w+)</a>', ana.get(LIST, query).content.decode()))

    assert shown() == {"stage", "prod"}
    assert shown(environment=staging.public_id) == {"stage"}
    assert shown(role="DB") == {"stage"}
    assert shown(q="pro") == {"prod"}
    assert shown(health="Healthy") == set()
    assert "No target fits" in text_of(ana.get(LIST, {"q": "zzz"}))


def test_the_number_of_queries_does_not_grow() -> None:
    environment = make_environment()
    ana = Visitor(make_ana())
    make_machine(environment)
    with CaptureQueriesContext(connection) as few:
        ana.get(LIST)
    for _ in range(10):
        make_machine(environment)
    with CaptureQueriesContext(connection) as many:
        ana.get(LIST)
    assert len(many) == len(few) <= 20


def test_ana_edits_disables_and_deletes_a_target() -> None:
    staging, production = make_environment("Staging"), make_environment("Production")
    machine = make_machine(staging, name="web-01")
    ana, path = Visitor(make_ana()), f"{LIST}/{machine.public_id}"
    sent = {"name": "web-02", "roles": "web, db", "environments": [production.public_id]}
    assert ana.post(path, sent).status_code == 302
    machine = Machine.objects.in_space(default_space()).get()
    placed = [
        e.name for e in Environment.objects.in_space(default_space()).filter(machines=machine)
    ]
    assert (machine.name, machine.roles, placed) == ("web-02", ["web", "db"], ["Production"])
    refused = ana.post(path, {"name": "web-02", "roles": "", "environments": []})
    assert refused.status_code == 400
    assert "At least one environment is required." in text_of(refused)
    ana.post(f"{path}/switch", {"to": "disabled"})
    assert "Enable target" in text_of(ana.get(path))
    ana.post(f"{path}/delete", {"confirm": "web-01"})
    assert Machine.objects.in_space(default_space()).exists()
    ana.post(f"{path}/delete", {"confirm": "web-02"})
    assert not Machine.objects.in_space(default_space()).exists()


def test_others_see_what_they_may() -> None:
    staging, production = make_environment("Staging"), make_environment("Production")
    make_machine(staging, name="stage")
    prod = make_machine(production, name="prod")
    space = default_space()
    ben = Visitor(make_ben(space, staging.public_id))
    cleo, dan = Visitor(make_cleo(space)), Visitor(make_dan(make_space()))
    assert cleo.post(f"{LIST}/{prod.public_id}/switch", {"to": "disabled"}).status_code == 403
    assert cleo.get(f"{LIST}/add").status_code == 403
    assert ben.post(f"{LIST}/{prod.public_id}/delete").status_code in {403, 404}
    assert dan.get(LIST).status_code == 404
    assert dan.get(f"{LIST}/{prod.public_id}").status_code == 404


def test_adding_shows_a_command_that_registers_and_waits_for_it() -> None:
    production = make_environment("Production EU")
    ana = Visitor(make_ana())
    refused = ana.post(f"{LIST}/add", {"roles": "web"})
    assert "Choose at least one environment." in text_of(refused)
    sent = {"environments": [production.public_id], "roles": "web, worker"}
    answer = ana.post(f"{LIST}/add", sent)
    assert answer["Cache-Control"] == "no-store"
    words = shlex.split(answer.context["command"])
    assert words[:2] == ["curl", "-fsSL"]
    assert words[2].endswith("/tentacle/install.sh")
    assert words[words.index("--environment") : words.index("--environment") + 6] == [
        "--environment",
        "Production EU",
        "--role",
        "web",
        "--role",
        "worker",
    ]
    row = RegistrationToken.objects.get()
    waiting = f"infrastructure/targets/waiting/{row.pk}"
    assert "Waiting for the agent" in text_of(ana.get(waiting, headers={"HX-Request": "true"}))
    token = next(word for word in words if word.startswith("TENTACLE_TOKEN=")).partition("=")[2]
    wish = Wish(name="web-01")
    register_with_token(token=token, wish=wish)
    done = ana.get(waiting, headers={"HX-Request": "true"})
    assert "web-01 has registered" in text_of(done)
    assert b"hx-get" not in done.content
    assert ana.get(waiting).status_code == 200
    machine = Machine.objects.in_space(default_space()).get()
    assert machine.roles == ["web", "worker"]


def test_a_token_is_watched_by_its_maker_only() -> None:
    production = make_environment("Production")
    ana = make_ana()
    create_registration_token(
        actor=ana.actor, space=default_space(), environments=[production], roles=["web"]
    )
    row = RegistrationToken.objects.get()
    dan = Visitor(make_dan(make_space()))
    assert dan.get(f"infrastructure/targets/waiting/{row.pk}").status_code == 404


def test_pools_are_made_and_deleted() -> None:
    ana = Visitor(make_ana())
    ana.post("infrastructure/workers", {"name": "Windows"})
    pool = WorkerPool.objects.in_space(default_space()).get(name="Windows")
    assert "Windows" in text_of(ana.get("infrastructure/workers"))
    refused = ana.post("infrastructure/workers", {"name": "windows"})
    assert refused.status_code == 400
    ana.post(f"infrastructure/pools/{pool.public_id}/delete")
    assert not WorkerPool.objects.in_space(default_space()).filter(name="Windows").exists()


def test_the_agent_is_served_with_its_digest() -> None:
    visitor = Visitor()
    program = visitor.get("/agent/v1/tentacle.pyz")
    digest = visitor.get("/agent/v1/tentacle.pyz.sha256").content.decode()
    assert digest == f"{hashlib.sha256(program.content).hexdigest()}  tentacle.pyz\n"
    again = visitor.get("/agent/v1/tentacle.pyz", headers={"If-None-Match": program["ETag"]})
    assert again.status_code == 304
