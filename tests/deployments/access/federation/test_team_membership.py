"""Who is in which team by REST, by hand or by a group of a provider, and who may know."""

from typing import Any

import pytest

from deployments.access import services
from deployments.access.models import ExternalLogin, Team, User
from deployments.access.services.federation.external_groups import (
    GroupInput,
    follow_groups,
    set_external_groups,
)
from deployments.access.services.federation.identity_providers import (
    ProviderInput,
    create_provider,
)
from deployments.base.clock import utc_now
from tests.deployments.calls import send
from tests.factories import (
    SYSTEM,
    default_space,
    make_ana,
    make_cleo,
    make_dan,
    make_space,
    make_user,
)
from tests.factories.people import as_person

pytestmark = pytest.mark.django_db
PATH = "/api/teammembership"


def made() -> tuple[Team, User, User, str]:
    """Return a team, whom a group brought in, who was put in by hand, and the provider."""
    by_hand, by_group = make_user("hana"), make_user("gus")
    wanted = ProviderInput("Corporate", "https://login.example.com", "octopus")
    provider = create_provider(actor=SYSTEM, provider=wanted)
    team = services.create_team(
        actor=SYSTEM, space=default_space(), name="Operators", members=[by_hand]
    )
    set_external_groups(actor=SYSTEM, team=team, groups=[GroupInput(provider, "ops")])
    now = utc_now()
    login = ExternalLogin.objects.create(
        user=by_group, provider=provider, subject="g", created=now, last_used=now
    )
    follow_groups(login=login, groups=["ops", "other"])
    return team, by_group, by_hand, provider.public_id


def of_team(rows: list[dict[str, Any]], team: Team) -> dict[str, Any] | None:
    return next((row for row in rows if row["TeamId"] == team.public_id), None)


def test_memberships_say_why() -> None:
    team, by_group, by_hand, _ = made()
    ana = make_ana()
    for user, is_direct, groups in ((by_group, False, ["ops"]), (by_hand, True, [])):
        status, rows = send(ana, "get", f"{PATH}?userId={user.public_id}")
        assert status == 200
        assert of_team(rows, team) == {
            "TeamId": team.public_id,
            "TeamName": "Operators",
            "UserId": user.public_id,
            "SpaceId": "Spaces-1",
            "IsDirectlyAssigned": is_direct,
            "ExternalGroupNames": groups,
        }
        assert of_team(send(as_person(user), "get", PATH)[1], team), "one's own"
    mine = f"{PATH}?userId={by_hand.public_id}"
    assert of_team(send(ana, "get", f"{mine}&spaces=Spaces-1&includeSystem=false")[1], team)
    other = make_space().public_id
    assert not of_team(send(ana, "get", f"{mine}&spaces={other}")[1], team)
    assert all(row["SpaceId"] for row in send(ana, "get", f"{mine}&includeSystem=false")[1])
    assert send(ana, "get", f"{PATH}?userId=Users-999999999")[0] == 404
    dan = make_dan(make_space())
    assert not of_team(send(dan, "get", mine)[1], team), "a team of a space that he cannot see"


def test_a_team_can_be_looked_at_before_it_is_made() -> None:
    _, by_group, by_hand, provider = made()
    ana = make_ana()
    body = {
        "Name": "Planned",
        "SpaceId": "Spaces-1",
        "MemberUserIds": [by_hand.public_id],
        "ExternalSecurityGroups": [{"Id": "other", "ProviderId": provider}],
    }
    status, rows = send(ana, "post", f"{PATH}/previewteam", body)
    assert status == 200, rows
    assert {
        row["UserId"]: (row["IsDirectlyAssigned"], row["ExternalGroupNames"]) for row in rows
    } == {
        by_hand.public_id: (True, []),
        by_group.public_id: (False, ["other"]),
    }
    assert not Team.objects.filter(name="Planned").exists()
    cleo = make_cleo(default_space())
    assert send(cleo, "post", f"{PATH}/previewteam", body)[0] == 403
    unknown = {**body, "MemberUserIds": ["Users-999999999"]}
    assert send(ana, "post", f"{PATH}/previewteam", unknown)[0] == 400
