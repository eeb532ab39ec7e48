"""Who is named when somebody lacks a permission."""

import pytest

from deployments.access.holders import holders_in, holders_sentence
from deployments.access.services.object_grants import give_on_object
from tests.factories import SYSTEM, default_space, make_ana, make_ben, make_cleo
from tests.factories.domain import make_project
from tests.factories.people import give_role, make_user
from tests.support.portal import Visitor, text_of

pytestmark = pytest.mark.django_db
DEPLOYER = "userroles-projectdeployer"


@pytest.mark.parametrize(
    ("teams", "says"),
    [
        ([], "No team has it."),
        (["Web"], "The team Web has it."),
        (["Web", "Wire"], "The teams Web and Wire have it."),
        (["A", "B", "C", "D"], "The teams A, B, C and another one have it."),
        (["A", "B", "C", "D", "E"], "The teams A, B, C and 2 others have it."),
    ],
)
def test_sentences(teams: list[str], says: str) -> None:
    assert holders_sentence(teams) == says


def test_teams_count_where_their_scope_reaches_and_somebody_is_in_them() -> None:
    make_ana()
    space, user = default_space(), make_user()
    team = give_role(user, DEPLOYER, space, {"environment": ["Environments-7"]}).team
    gone = make_user()
    give_on_object(
        actor=SYSTEM,
        space=space,
        holder=give_role(gone, DEPLOYER, space).team,
        kind="project",
        thing=make_project().public_id,
        permissions=["ReleaseDelete"],
    )
    gone.is_active = False
    gone.save()
    held = holders_in(space)
    there = held.of("DeploymentCreate", project=1, project_group=1, environment=7)
    elsewhere = held.of("DeploymentCreate", project=1, project_group=1, environment=8)
    assert set(there) - set(elsewhere) == {team.name}
    assert elsewhere == ["Space Managers"]
    assert team.name in held.anywhere("DeploymentCreate")
    assert held.anywhere("ReleaseDelete") == ["Space Managers"]


def test_the_page_of_a_refusal_says_whom_to_ask() -> None:
    make_ana()
    make_ben(default_space(), "Environments-1")
    cleo = Visitor(make_cleo(default_space()))
    refused = cleo.get("administration/freezes/new")
    assert refused.status_code == 403
    assert "The team Space Managers has it." in text_of(refused)
