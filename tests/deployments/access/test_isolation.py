"""No id of one space works in another: every route and page of the URL map × every id in it.

Two spaces have the same things under the same names. Somebody who may do everything in both asks
in one of them, with each id of a path in turn taken from the other.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.contrib.messages.storage.cookie import CookieStorage
from django.db import transaction
from django.test import RequestFactory

from deployments.access.api.viewsets import SpaceViewSet
from deployments.access.grants import held_for_a_while
from deployments.access.services import create_space
from deployments.base.actor import Actor
from deployments.base.errors import NotFound
from deployments.base.models import Event
from octopus_site.api.links import MIXED_LINKS, SPACE_LINKS
from packages_feed.models import Feed
from tests.architecture.test_pages import pages
from tests.deployments.access.matrix import World, make_matrix_world
from tests.deployments.access.test_every_route import api_patterns
from tests.deployments.access.test_matrix import answer, call_of
from tests.factories import SYSTEM, Person, default_space, give_role, make_ana, make_user
from tests.factories.library import make_script_module

REST, PAGES = "api/<space:space>/", "app/<space:space>/"
# Things of the server: every space shows the same ones. A new one is added here with thought.
OF_THE_SERVER = {
    "events/archives",
    *("users", "userroles", "permissions", "spaces", "octopusservernodes", "smtpconfiguration"),
    *("externalsecuritygroupproviders", "identityproviders", "licenses", "serviceaccounts"),
    "ldapproviders",
    *(
        "maintenanceconfiguration",
        "serverconfiguration",
        "serverstatus",
        "capabilities",
        "configuration",
        "authentication",
        "logsettings",
    ),
}
# Holes of pages and what fills them; without one: names within what the path named before.
HOLES = {
    "account": "accounts",
    "artifact": "artifacts",
    "certificate": "certificates",
    "channel": "channels",
    "deployment": "deployments",
    "environment": "environments",
    "feed": "feeds",
    "freeze": "deploymentfreezes",
    "group": "projectgroups",
    "held": "scopeduserroles",
    "interruption": "interruptions",
    "library_set": "libraryvariablesets",
    "lifecycle": "lifecycles",
    "module": "scriptmodules",
    "pool": "workerpools",
    "policy": "machinepolicies",
    "project": "projects",
    "run": "runbookRuns",
    "runbook": "runbooks",
    "snapshot": "runbookSnapshots",
    "tag_set": "tagsets",
    "target": "machines",
    "task": "tasks",
    "team": "teams",
    "tenant": "tenants",
    "subscription": "subscriptions",
    "trigger": "triggers",
    "worker": "workers",
}
NAMES = {
    "archive": "of the server",
    "delivery": "a number within the subscription that the path names",
    "form": "of the server",
    "found": "a space, for who administers all of them",
    "identity": "of the server",
    "invitation": "of the server",
    "key": "of the server",
    "login": "of the server",
    "node": "of the server",
    "provider": "of the server",
    "guid": "a variable within the set that the path names",
    "kind": "a kind of feed",
    "output": "an output variable of the task that the path names",
    "package": "the id of a package, the same text in every space",
    "package_id": "the id of a package, the same text in every space",
    "role": "of the server",
    "token": "a key that only the holder of its page has",
    "user": "of the server",
    "version": "a version within the project or package that the path names",
}


# Routes that are 404 with ids of one's own space too, and why.
WITHOUT = {
    "DELETE packages/uploads/<str:upload>": "no upload has begun",
    "GET artifacts/<str:id>/content": "nothing was stored for it",
    "GET feeds/<str:id>/packages/notes": "a query names the package",
    "GET interruptions/<str:id>/responsible": "nobody has taken it",
    "GET packages/<str:package_id>/<str:version>/delta-signature": "there are no signatures",
    "GET packages/uploads/<str:upload>": "no upload has begun",
    "GET projects/<str:id>/logo": "it has no picture",
    "GET tenants/<str:id>/logo": "it has no picture",
    "GET variables/names": "a query names the project",
    "GET variables/preview": "a query names the project",
    "POST packages/uploads/<str:upload>/complete": "no upload has begun",
    "PUT packages/uploads/<str:upload>": "no upload has begun",
}


@dataclass
class Spaces:
    """The same things in two spaces, and somebody who may do everything in both."""

    actor: Actor
    here: World
    there: World


@pytest.fixture
def spaces(db: None) -> Spaces:
    ana = make_ana()
    there = complete(make_matrix_world(ana), ana)
    space = create_space(actor=SYSTEM, name="Here", manager_users=[ana.user], is_default=True)
    here = complete(make_matrix_world(ana), ana)
    assert (here.space, there.space.pk == space.pk) == (space, False)
    return Spaces(ana.actor, here, there)


def complete(world: World, ana: Person) -> World:
    """Add the kinds that the matrix of permissions does not need."""
    space = default_space()
    user = make_user(is_service=True)
    held = give_role(user, "userroles-projectviewer", space)
    world.ids["scopeduserroles"], world.ids["teams"] = held.public_id, held.team.public_id
    world.ids["scriptmodules"] = make_script_module().public_id
    world.ids["feeds"] = Feed.objects.in_space(space)[0].public_id
    world.ids["events"] = Event.objects.filter(space=space)[0].public_id
    return world


def test_rest(spaces: Spaces, capsys: pytest.CaptureFixture[str]) -> None:
    wrong, bare, count = [], [], 0
    with held_for_a_while():
        for verb, route in rest_routes():
            own = fill_rest(route, spaces.here, {}, -1)
            status, data = answer(call_of({"call": f"{verb} "}, own), spaces.actor)
            if status == 404:
                bare.append(f"{verb} {route}")
            for number, _ in enumerate(holes_of(route)):
                path = fill_rest(route, spaces.here, spaces.there.ids, number)
                if path == own:
                    continue
                count += 1
                call = call_of({"call": f"{verb} "}, path)
                status, data = answer(call, spaces.actor)
                if status == 400 and verb == "POST":  # the body came first: one that fits
                    status, data = answer(call, spaces.actor, document(spaces, route))
                if status != 404:
                    wrong.append(f"{verb} {path}: {status} {str(data)[:200]}")
            if verb == "GET":
                count += 1
                if found := ids_shown(data_of(answer, own, spaces.actor), spaces.there):
                    wrong.append(f"{verb} {own} shows {found}")
    with capsys.disabled():
        print(f"\nisolation of REST routes: {count} requests")
    assert not wrong, f"{len(wrong)}\n" + "\n".join(wrong)
    assert set(bare) == set(WITHOUT)
    assert count > 350


def test_queries(spaces: Spaces, capsys: pytest.CaptureFixture[str]) -> None:
    """Ids of the other space in a query are unknown ones: nothing is found by them."""
    wrong, count, base = [], 0, f"/api/{spaces.here.space.public_id}"
    with held_for_a_while():
        for link in (SPACE_LINKS | MIXED_LINKS).values():
            path, _, names = link.partition("{?")
            resource = path.partition("{")[0]
            for name in names.strip("}").split(","):
                kind = resource if name == "ids" else kind_of(name)
                foreign = spaces.there.ids.get(kind, "")
                if not foreign or "{" in path.replace("{/id}", ""):
                    continue
                asked = f"{base}/{resource}?{name}={foreign}"
                status, data = answer(call_of({"call": "GET "}, asked), spaces.actor)
                count += 1
                if status not in {200, 400, 404} or ids_shown(data, spaces.there, echo=foreign):
                    wrong.append(f"{asked}: {status} {str(data)[:200]}")
    with capsys.disabled():
        print(f"\nisolation of queries: {count} requests")
    assert not wrong, f"{len(wrong)}\n" + "\n".join(wrong)
    assert count > 60


def kind_of(name: str) -> str:
    """Return the resource that a query name such as `projectId` or `tenants` is about."""
    stem = name.removesuffix("Id").removesuffix("Ids").removesuffix("s")
    return {"regarding": "tasks", "regardingAny": "tasks"}.get(name, f"{stem}s")


def test_bodies(spaces: Spaces, capsys: pytest.CaptureFixture[str]) -> None:
    """The document of the other space's thing, sent here: refused, or nothing of there is taken."""
    wrong, count = [], 0
    with held_for_a_while():
        for verb, route in rest_routes():
            holes = holes_of(route)
            if verb not in {"POST", "PUT"} or len(holes) > 1:
                continue
            resource = route.split("/")[0]
            if resource not in spaces.there.ids:
                continue
            source = f"/api/{spaces.there.space.public_id}/{resource}/{spaces.there.ids[resource]}"
            status, document = answer(call_of({"call": "GET "}, source), spaces.actor)
            if status != 200 or not isinstance(document, dict):
                continue
            path = fill_rest(route, spaces.here, {}, -1)
            call = call_of({"call": f"{verb} "}, path)
            status, data = answer(call, spaces.actor, json.dumps(document, default=str))
            count += 1
            if status >= 500 or (status < 300 and ids_shown(data, spaces.there)):
                wrong.append(f"{verb} {path}: {status} {ids_shown(data, spaces.there)}")
    with capsys.disabled():
        print(f"\nisolation of bodies: {count} requests")
    assert not wrong, f"{len(wrong)}\n" + "\n".join(wrong)
    assert count > 40


def test_pages(spaces: Spaces, capsys: pytest.CaptureFixture[str]) -> None:
    wrong, count = [], 0
    with held_for_a_while():
        for route, view in pages():
            if not route.startswith(PAGES):
                continue
            holes = re.findall(r"<\w+:(\w+)>", route.removeprefix(PAGES))
            assert set(holes) <= set(HOLES) | set(NAMES), route
            for hole in holes:
                if hole in NAMES:
                    continue
                values = {each: filled_hole(each, spaces.here) for each in holes}
                values[hole] = spaces.there.ids[HOLES[hole]]
                found = what_comes(view, spaces, values)
                count += len(found)
                if set(found) != {NotFound}:
                    wrong.append(f"{route} {values}: {found}")
    with capsys.disabled():
        print(f"\nisolation of pages: {count} requests")
    assert not wrong, f"{len(wrong)}\n" + "\n".join(wrong)
    assert count > 200


def document(spaces: Spaces, route: str) -> str:
    """Return the body of the thing that a route creates, as it is in this space."""
    kind = route.rsplit("/", maxsplit=1)[-1].replace("triggers", "projecttriggers")
    path = f"/api/{spaces.here.space.public_id}/{kind}/{spaces.here.ids[kind]}"
    return json.dumps(answer(call_of({"call": "GET "}, path), spaces.actor)[1], default=str)


def rest_routes() -> Iterator[tuple[str, str]]:
    """Yield verb and route below the space of everything that a space has."""
    for route, pattern in api_patterns():
        below = route.removeprefix(REST)
        start = below.split("/")
        if below == route or {start[0], "/".join(start[:2])} & {"", *OF_THE_SERVER}:
            continue
        view = getattr(pattern.callback, "cls", object)
        assert issubclass(view, SpaceViewSet) or below.split("/")[0] in MIXED, route
        for verb in list(pattern.callback.actions):  # type: ignore[attr-defined]  # of a view set
            if verb != "head":
                yield verb.upper(), below


MIXED = {"teams", "teammembership", "scopeduserroles", "events"}  # these exist without a space too


def holes_of(route: str) -> list[str]:
    """Return the holes of a route."""
    return [part for part in route.split("/") if part.startswith("<")]


def fill_rest(route: str, world: World, others: dict[str, str], number: int) -> str:
    """Return the path in the world's space; the hole of that number has an id of the others."""
    parts = route.split("/")
    at = 0
    for place, part in enumerate(parts):
        hole = re.fullmatch(r"<(?:(\w+):)?(\w+)>", part)
        if not hole:
            continue
        kinds: tuple[str, ...] = (
            f"{route.split('/')[place - 1]} {hole[1]}",
            route.split("/")[place - 1],
            hole[2],
        )
        if hole[2] in NAMES or hole[2] == "tenant":
            kinds = (hole[2], *kinds)
        kind = next(each for each in kinds if each in world.ids)
        parts[place] = others[kind] if at == number and hole[2] not in NAMES else world.ids[kind]
        at += 1
    return f"/api/{world.space.public_id}/{'/'.join(parts)}"


def filled_hole(name: str, world: World) -> str:
    """Return what the space has for a hole of a page."""
    return world.ids[HOLES[name]] if name in HOLES else {"version": "1.0.0"}.get(name, "1")


def data_of(ask: Any, path: str, actor: Actor) -> Any:
    return ask(call_of({"call": "GET "}, path), actor)[1]


def ids_shown(data: Any, world: World, echo: str = "") -> list[str]:
    """Return the ids of a space that are in an answer, beside those that it repeats in links."""
    text = json.dumps(without_links(data), default=str)
    ids = {each for each in world.ids.values() if re.fullmatch(r"[A-Za-z]+-[0-9]+", each)}
    ids.add(world.space.public_id)
    return sorted(each for each in ids - {echo} if re.search(rf"[^A-Za-z]{each}(?![0-9])", text))


def without_links(data: Any) -> Any:
    if isinstance(data, dict):
        return {name: without_links(value) for name, value in data.items() if name != "Links"}
    if isinstance(data, list):
        return [without_links(each) for each in data]
    return data


def what_comes(view: Any, spaces: Spaces, values: dict[str, str]) -> list[Any]:
    """Return the refusals or the status of a page to GET and POST, where it takes them."""
    space = spaces.here.space.public_id
    found: list[Any] = []
    for send in (RequestFactory().get, RequestFactory().post):
        request: Any = send(f"/app/{space}")
        request.actor = spaces.actor
        request._messages = CookieStorage(request)
        try:
            with transaction.atomic():
                response = view(request, space=space, **values)
                transaction.set_rollback(True)
        except NotFound:
            found.append(NotFound)
        except Exception as error:
            found.append(repr(error))
        else:
            if response.status_code != 405:
                found.append(response.status_code)
    return found
