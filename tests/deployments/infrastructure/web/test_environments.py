"""The pages of environments."""

import pytest

from deployments.infrastructure.models import Environment
from tests.factories import default_space, make_ana, make_ben, make_cleo, make_dan, make_space
from tests.factories.domain import make_environment, make_machine
from tests.support.portal import Visitor, text_of

pytestmark = pytest.mark.django_db
LIST = "infrastructure/environments"


def test_ana_creates_changes_orders_and_deletes() -> None:
    ana = Visitor(make_ana())
    assert "No environments yet" in text_of(ana.get(LIST))
    ana.post(f"{LIST}/new", {"name": "Staging", "use_guided_failure": "on"})
    ana.post(f"{LIST}/new", {"name": "Production"})
    staging, production = Environment.objects.in_space(default_space())
    assert staging.use_guided_failure
    ana.post(f"{LIST}/{production.public_id}/move", {"way": "up"})
    names = [e.name for e in Environment.objects.in_space(default_space())]
    assert names == ["Production", "Staging"]
    ana.post(f"{LIST}/{staging.public_id}", {"name": "Stage", "description": "copy"})
    assert "Stage copy" in text_of(ana.get(LIST))
    ana.post(f"{LIST}/{staging.public_id}/delete")
    assert not Environment.objects.in_space(default_space()).filter(name="Stage").exists()


def test_a_taken_name_keeps_what_was_typed() -> None:
    make_environment("Staging")
    ana = Visitor(make_ana())
    answer = ana.post(f"{LIST}/new", {"name": "staging", "description": "again"})
    assert answer.status_code == 400
    assert "already exists" in text_of(answer)
    assert b"again</textarea>" in answer.content


def test_one_in_use_is_not_deleted_and_says_why() -> None:
    environment = make_environment("Staging")
    make_machine(environment, name="web-01")
    ana = Visitor(make_ana())
    ana.post(f"{LIST}/{environment.public_id}/delete")
    assert "used by the deployment target 'web-01'" in text_of(
        ana.get(f"{LIST}/{environment.public_id}")
    )


def test_others_see_what_they_may() -> None:
    staging, production = make_environment("Staging"), make_environment("Production")
    space = default_space()
    ben = Visitor(make_ben(space, staging.public_id))
    cleo, dan = Visitor(make_cleo(space)), Visitor(make_dan(make_space()))
    assert "Create environment" not in text_of(ben.get(LIST))
    assert ben.post(f"{LIST}/{production.public_id}/move", {"way": "up"}).status_code == 403
    assert cleo.post(f"{LIST}/new", {"name": "x"}).status_code == 403
    assert dan.get(LIST).status_code == 404
