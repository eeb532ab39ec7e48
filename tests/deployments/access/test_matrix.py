"""Every route × every built-in role × in scope, in groups, out of scope, in another space, nobody.

Nothing is left out: who may not is refused, and who may is let in.

What is expected stands in tests/cases/permissions: which permission a route needs and by which one
its thing is seen (`routes.json`, `server.json`), what restricts a permission (`catalogue.json`) and
what is in a role (`roles.json`).

`kind` of a route: an `item` that is not seen is 404, and 403 when it is seen; a `list` shows what
is seen, as does a `filter` by a thing; a list `below` a thing that is not seen is 404; `read` and
`write` ask for the permission on anything. With `first` the permission on anything comes before the
thing; with `values` single ones are left out rather than the whole refused; `also` is by which
permission a second thing is seen; `may_lack` says that the thing of the world has no such part;
with `body_first` an empty body is 400 before anything else.
"""

import json
import re
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import pytest
from django.core.signals import request_finished
from django.db import close_old_connections, transaction
from django.test import RequestFactory
from django.urls import ResolverMatch, resolve

from deployments.access.grants import held_for_a_while
from deployments.access.rules import Rule
from deployments.base.actor import Actor
from tests.deployments.access.matrix import World, make_holder, make_matrix_world
from tests.deployments.access.test_catalogue import of_role
from tests.deployments.access.test_every_route import api_patterns
from tests.factories import default_space, make_space
from tests.factories.domain import make_environment
from tests.support.cases import cases
from tests.support.rest_cases import filled

ROUTES, SERVER = cases("permissions", "routes"), cases("permissions", "server")
ROLES = cases("permissions", "roles")
SUPPORTED = {
    name: (set(case["restrictions"]), case["explicit_tenant"])
    for case in cases("permissions", "catalogue")
    for name in case["permissions"].split()
}
PROJECT = {"Projects", "ProjectGroups"}
ALL = PROJECT | {"Environments", "Tenants"}
LIMITED: dict[str, set[str]] = {
    "everywhere": set(),
    "in scope": {"Projects", "Environments", "Tenants"},
    "in groups": {"ProjectGroups"},
    "out of scope": ALL,
}
# Without any limit the roles differ by what is in them alone, as they do in scope.
EVERYWHERE = {"Space Manager"}
# In which dimensions the things of the world are, by the first part of a path.
PLACES: dict[str, set[str]] = {
    **dict.fromkeys(("artifacts", "deployments", "interruptions", "runbookRuns", "tasks"), ALL),
    "accounts": {"Environments"},
    "certificates": {"Environments"},
    "environments": {"Environments"},
    "machines": {"Environments"},
    "packages": set(),
    "projectgroups": {"ProjectGroups"},
    "tenants": {"Tenants"},
}


@pytest.mark.timeout(900)  # a minute of work, which a busy machine makes longer
@pytest.mark.django_db
def test_routes_of_spaces(capsys: pytest.CaptureFixture[str]) -> None:
    world, wrong, people, count = make_matrix_world(), [], 0, 0
    calls = {route["call"]: call_of(route, address(world, route)) for route in ROUTES}
    for name, scope, actor in everyone(world):
        people += 1
        with held_for_a_while():
            for route in ROUTES:
                wanted = expected(route, name, scope)
                found, data = answer(calls[route["call"]], actor)
                count += 1
                if not agrees(wanted, found, route):
                    wrong.append(f"{route['call']}: {name} {scope}: {found}, not {wanted}")
                if found == 200 and route["kind"] == "list":
                    wanted_there = route["needs"] is None or sees(route, name, scope)
                    if is_shown(world, route, data) not in {wanted_there, None}:
                        wrong.append(f"{route['call']}: {name} {scope}: shown {not wanted_there}")
    with capsys.disabled():
        print(f"\npermission matrix of spaces: {count} cases")
    assert not wrong, f"{len(wrong)}\n" + "\n".join(wrong)
    assert count == people * len(ROUTES) > 20_000


@pytest.mark.timeout(900)
@pytest.mark.django_db
def test_routes_of_the_server(capsys: pytest.CaptureFixture[str]) -> None:
    """What a role gives for the whole server it gives wherever, and however limited, it is held."""
    wrong, count, space = [], 0, default_space()
    limits = {"environment": [make_environment("Dev").public_id]}
    places = {
        "everywhere": (space, {}),
        "in scope": (space, limits),
        "other space": (make_space(), {}),
    }
    for role in ROLES:
        system = of_role(role["name"], "system")
        for scope, (where, within) in places.items() if role["space"] else [("system", (None, {}))]:
            actor = make_holder(role["id"], where, within)
            own = [] if scope in {"in scope", "other space"} else [f"/api/{space.public_id}"]
            for route, call in calls_of_the_server("/api", *own):
                found, _ = answer(call, actor)
                count += 1
                if (found == 403) is (route["needs"] in system) or found in {401, 500}:
                    wrong.append(f"{route['call']}: {role['name']} {scope}: {found}")
    for route, call in calls_of_the_server("/api", f"/api/{space.public_id}"):
        count += 1
        if answer(call, None)[0] != 401:
            wrong.append(f"{route['call']}: nobody")
    with capsys.disabled():
        print(f"\npermission matrix of the server: {count} cases")
    assert not wrong, "\n".join(wrong)
    assert count > 3_500


def calls_of_the_server(*prefixes: str) -> Iterator[tuple[dict[str, Any], "Call"]]:
    for route in SERVER:
        path = re.sub(r"<\w+>", "x-1", route["call"].split()[1])
        for prefix in prefixes:
            yield route, call_of(route, f"{prefix}/{path}")


def test_no_route_that_asks_for_a_permission_is_left_out() -> None:
    def asks(route: str, callback: Any) -> Iterator[str]:
        for verb, action in getattr(callback, "actions", {}).items():
            if not isinstance(callback.cls.permission_map[action], Rule) and verb != "head":
                yield f"{verb.upper()} {re.sub('<str:', '<', route)}"

    found = {
        call.replace("api/<space:space>/", "")
        for route, pattern in api_patterns()
        if route.startswith("api/<space:space>/")
        for call in asks(route, pattern.callback)
    }
    listed = {route["call"] for route in [*ROUTES, *SERVER]}
    assert found - listed == set()


def everyone(world: World) -> Iterator[tuple[str, str, Actor | None]]:
    other = make_space()
    yield "nobody", "anonymous", None
    for role in ROLES:
        if not role["space"]:
            yield role["name"], "system", make_holder(role["id"], None, {})
            continue
        for scope, limits in world.scopes.items():
            if scope != "everywhere" or role["name"] in EVERYWHERE:
                yield role["name"], scope, make_holder(role["id"], world.space, limits)
        yield role["name"], "other space", make_holder(role["id"], other, {})


def expected(route: dict[str, Any], role: str, scope: str) -> int:
    """Return 401, 403, 404, or 200 for whatever else."""
    if scope == "anonymous":
        return 401
    if scope in {"other space", "system"}:
        return 404
    held, needs = of_role(role, "space"), route["needs"]
    if route["kind"] in {"list", "filter"} or needs is None:
        return 200
    if needs not in held and (route.get("first") or route["kind"] in {"read", "write"}):
        return 403
    if route["kind"] in {"read", "write"}:
        return 200
    if not sees(route, role, scope):
        return 404
    if route["kind"] == "below":
        return 200
    is_held = needs in held if route.get("values") else holds(needs, held, place_of(route), scope)
    return 200 if is_held else 403


def sees(route: dict[str, Any], role: str, scope: str) -> bool:
    """Tell whether the thing of the route is seen, and the second one."""
    held, also = of_role(role, "space"), route.get("also")
    seen = route["seen"] if "seen" in route else route["needs"]
    if also and not holds(also, held, {"Tenants"}, scope):
        return False
    return seen is None or holds(seen, held, place_of(route), scope)


def place_of(route: dict[str, Any]) -> set[str]:
    first = route["call"].split()[1].split("/")[0]
    return set(route["place"]) if "place" in route else PLACES.get(first, PROJECT)


def holds(permission: str, held: set[str], place: set[str], scope: str) -> bool:
    """Tell whether a role with these permissions holds one of them on a thing of the world."""
    if permission not in held:
        return False
    restrictions, is_explicit = SUPPORTED[permission]
    limited = LIMITED[scope]
    by_project = bool(limited & PROJECT) and "Projects" in restrictions
    restricting = {"Projects"} if by_project else set()
    restricting |= limited & restrictions & {"ProjectGroups", "Environments"}
    if restricting and (scope == "out of scope" or restricting - place):
        return False
    if "Tenants" in limited & restrictions:
        return scope != "out of scope" if "Tenants" in place else not is_explicit
    return True


def agrees(wanted: int, found: int, route: dict[str, Any]) -> bool:
    if wanted != 200:
        return found == wanted or (found == 400 and route.get("body_first", False))
    return found < 500 and found not in ({401, 403} if route.get("may_lack") else {401, 403, 404})


@dataclass(frozen=True)
class Call:
    """A call that is sent many times; its view is looked up once."""

    verb: str
    path: str
    match: ResolverMatch


def call_of(route: dict[str, Any], path: str) -> Call:
    """Return the call of a route with a path without holes."""
    return Call(route["call"].split()[0], path, resolve(path.partition("?")[0]))


def answer(call: Call, actor: Actor | None, body: str = "{}") -> tuple[int, Any]:
    """Return status and data of a call; what it changed is taken back."""
    sent = {} if call.verb == "GET" else {"data": body, "content_type": "application/json"}
    request = getattr(RequestFactory(), call.verb.lower())(call.path, **sent)
    request.actor_result = (actor, None)
    with transaction.atomic() if call.verb != "GET" else nullcontext():
        response = call.match.func(request, *call.match.args, **call.match.kwargs)
        if call.verb != "GET":
            transaction.set_rollback(True)
    request_finished.disconnect(close_old_connections)
    response.close()  # ends a download; as in Django's own client the connection stays
    request_finished.connect(close_old_connections)
    return int(response.status_code), getattr(response, "data", None)


def is_shown(world: World, route: dict[str, Any], data: Any) -> bool | None:
    """Tell whether a list has the thing of the world; None when it is a list of something else."""
    kind = route["call"].split()[1].split("/")[0]
    wanted = world.ids.get(f"{kind} owned") or world.ids.get(kind)
    rows = data["Items"] if isinstance(data, dict) else data
    return any(row.get("Id") == wanted for row in rows) if wanted else None


def address(world: World, route: dict[str, Any]) -> str:
    """Return the path with the world's ids in its holes."""
    parts: list[str] = []
    for part in route["call"].split()[1].split("/"):
        hole = re.fullmatch(r"<(?:(\w+):)?(\w+)>", part)
        if not hole:
            parts.append(part)
        elif hole[2] in {"tenant", "package_id", "version"}:
            parts.append(world.ids[hole[2]])
        else:
            kind = route["call"].split()[1].split("/")[len(parts) - 1]
            parts.append(world.ids.get(f"{kind} {hole[1]}") or world.ids[kind])
    query = f"?{route['query'].format(**world.ids)}" if "query" in route else ""
    return f"/api/{world.space.public_id}/{'/'.join(parts)}{query}"


@pytest.mark.django_db
@pytest.mark.parametrize("scope", ["out of scope", "other space"])
def test_what_a_body_names_is_checked_as_what_a_path_names(scope: str) -> None:
    """Nobody writes about things that they could not reach by a path; with all rights it works."""
    world, role = make_matrix_world(), "userroles-spacemanager"
    other = make_space()
    space = other if scope == "other space" else world.space
    limits = world.scopes.get(scope, {})
    stranger, manager = make_holder(role, space, limits), make_holder(role, world.space, {})
    ids = {**world.ids, "space": space.public_id}
    for case in cases("permissions", "bodies"):
        route = filled(case["call"], ids)
        call = call_of(case, f"/api/{space.public_id}/{route.split()[1]}")
        body = filled(json.dumps(case["body"]), ids)
        found, text = answer(call, stranger, body)
        assert found in {400, 403, 404}, f"{case['name']}: {found} {text}"
        if scope == "out of scope":
            done, text = answer(call, manager, body)
            assert done in {200, 201}, f"{case['name']}: {done} {text}"
