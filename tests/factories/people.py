"""People: Ana manages the server, Ben deploys to Staging, Cleo looks on, Dan is elsewhere."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.test import Client

from deployments.access import services
from deployments.access.actors import actor_of
from deployments.access.models import ScopedUserRole, User, UserRole
from deployments.access.services.seeding import ADMINISTRATORS
from deployments.access.services.users import add_to_team
from deployments.base.actor import Actor
from deployments.base.models import Space
from tests.factories.numbers import NUMBERS

SYSTEM = Actor.system("test")
PASSWORD = "Correct horse 9 battery"


@dataclass(frozen=True)
class Person:
    """A user, the actor they act as and a client that sends their API key."""

    user: User
    actor: Actor
    api_key: str

    @property
    def api(self) -> Client:
        """Return an HTTP client that sends the API key and JSON."""
        return Client(headers={"X-Octopus-ApiKey": self.api_key})


def make_user(username: str = "", *, is_service: bool = False, password: str = PASSWORD) -> User:
    """Create a user without teams."""
    return services.create_user(
        actor=SYSTEM,
        username=username or f"user{next(NUMBERS)}",
        password="" if is_service else password,
        is_service=is_service,
    )


def as_person(user: User) -> Person:
    """Return the user as a person with an API key."""
    actor = actor_of(user, "Session")
    created = services.create_api_key(actor=actor, user=user, purpose="tests")
    return Person(user, actor, created.key.reveal())


def give_role(
    user: User,
    role: str,
    space: Space | None,
    scopes: Mapping[str, Iterable[str]] | None = None,
) -> ScopedUserRole:
    """Put the user into a new team that holds the role (`userroles-…`) in the space."""
    team = services.create_team(
        actor=SYSTEM, space=space, name=f"Team {next(NUMBERS)}", members=[user]
    )
    return services.create_scoped_role(
        actor=SYSTEM,
        team=team,
        role=UserRole.objects.get(built_in_id=role),
        space=space,
        scopes=scopes,
    )


def make_ana() -> Person:
    """Create Ana, administrator of the server and manager of the default space."""
    user = make_user("ana")
    add_to_team(user=user, built_in_id=ADMINISTRATORS)
    space = Space.objects.get(is_default=True)
    add_to_team(user=user, built_in_id=f"teams-spacemanagers-{space.public_id}")
    return as_person(user)


def make_ben(space: Space, *environments: str) -> Person:
    """Create Ben, who deploys projects of the space, but to the given environments only."""
    user = make_user("ben")
    give_role(user, "userroles-projectdeployer", space, {"environment": environments})
    return as_person(user)


def make_cleo(space: Space) -> Person:
    """Create Cleo, who sees the space and changes nothing."""
    user = make_user("cleo")
    give_role(user, "userroles-projectviewer", space)
    return as_person(user)


def make_holder(space: Space, *permissions: str) -> Person:
    """Create somebody who holds these permissions in the space and no others."""
    user = make_user()
    role = services.create_role(
        actor=SYSTEM, name=f"Role {next(NUMBERS)}", space_permissions=permissions
    )
    team = services.create_team(
        actor=SYSTEM, space=space, name=f"Team {next(NUMBERS)}", members=[user]
    )
    services.create_scoped_role(actor=SYSTEM, team=team, role=role, space=space)
    return as_person(user)


def make_dan(space: Space) -> Person:
    """Create Dan, who manages another space than the others work in."""
    user = make_user("dan")
    add_to_team(user=user, built_in_id=f"teams-spacemanagers-{space.public_id}")
    return as_person(user)
