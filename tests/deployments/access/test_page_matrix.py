"""Every page × GET and POST × every built-in role × in scope, out of scope, elsewhere, nobody.

Every role that may not is refused; of those that may, the one with the least is let in.

`tests/cases/permissions/pages.json` says what each page needs; null is a page for everybody who has
something to do in the space, which narrows itself what it shows. Who lacks it altogether gets 403.
`seen` are the permissions by which the page finds what it is about, each with what that is in: who
does not see it gets 404. On the last of these, or in `place`, is asked once more for what the page
needs, and of a POST for what `saves` it (one of a list): else 403. `of` says that it is asked for
on the whole space instead, or on each of the rows that are shown. `sends` is query or form.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from django.contrib.messages.storage.cookie import CookieStorage
from django.contrib.sessions.backends.cache import SessionStore
from django.core.signals import request_finished
from django.db import close_old_connections, transaction
from django.http import HttpRequest
from django.test import RequestFactory

from deployments.access.grants import held_for_a_while
from deployments.access.web import forms
from deployments.base.actor import Actor
from deployments.base.errors import Invalid, NotAuthenticated, NotFound, NotPermitted
from deployments.library.models import LibraryVariableSet
from deployments.library.services import VariableInput, replace_variables
from deployments.projects.models import Project
from deployments.projects.queries import process_of, process_of_runbook, read_process
from packages_feed.services.external_feeds import FeedValues, create_feed
from tests.architecture.test_pages import pages
from tests.deployments.access.matrix import World, make_holder, make_matrix_world
from tests.deployments.access.test_catalogue import of_role
from tests.deployments.access.test_isolation import HOLES
from tests.deployments.access.test_matrix import LIMITED, SUPPORTED, holds
from tests.factories import SYSTEM, default_space, give_role, make_space, make_user
from tests.factories.library import make_script_module
from tests.support.cases import cases

PAGES: dict[str, dict[str, Any]] = {case["page"]: case for case in cases("permissions", "pages")}
ROLES = cases("permissions", "roles")
SPACE = "app/<space:space>/"
REFUSALS = {NotAuthenticated: 401, NotPermitted: 403, NotFound: 404}
# Scopes by project groups tell these apart from scopes by projects; others would have less of it.
IN_GROUPS = {"Environment Manager", "Project Initiator", "Runbook Producer", "Space Manager"}
# Pages that find nothing, even for those who may, and why. They look before they ask for more.
LACKS = {
    "administration": "of its pages none may be for the role",
    "administration/grants/take": "there are no direct grants",
    "administration/subscriptions/<subscription>/deliveries/<delivery>/again": "nothing was sent",
    "infrastructure/targets/waiting/<int:token>": "no agent is waited for",
    "infrastructure/workers/waiting/<int:token>": "no agent is waited for",
    "tasks/<task>/artifacts.zip": "nothing was stored for the artifact",
    "tasks/<task>/lines": "no step wrote lines",
    "tasks/<task>/outputs/<output>": "no step set an output variable",
    "tenants/<tenant>/logo": "it has no picture",
}


def views() -> Iterator[tuple[str, Any]]:
    for route, view in pages():
        if route.startswith(SPACE):
            yield route.removeprefix(SPACE).replace("<str:", "<"), view


def test_the_table_has_every_page() -> None:
    assert {page for page, _ in views()} == set(PAGES)


@pytest.mark.django_db
@pytest.mark.timeout(900)
def test_pages(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    # An answer without end gives back the connection, which has this test's transaction.
    monkeypatch.setattr(forms, "give_connection_back", lambda: None)
    world, wrong, lacking, count = complete(make_matrix_world()), [], set(), 0
    asked = [(page, view, filled(page, world), sent(page, world)) for page, view in views()]
    for role, scope, actor in everyone(world):
        with held_for_a_while():
            for page, view, values, fields in asked:
                for send in (RequestFactory().get, RequestFactory().post):
                    verb = send.__name__
                    wanted = expected(page, verb, role, scope)
                    if wanted == 200 and role != enough(page, verb, scope):
                        continue
                    found = answer(view, send(f"/{page}", fields), actor, values)
                    if found == 405:
                        continue
                    count += 1
                    if page in LACKS and found == 404 and wanted in {200, 403}:
                        lacking.add(page)
                    elif found != wanted:
                        wrong.append(f"{verb} {page}: {role} {scope}: {found}, not {wanted}")
    with capsys.disabled():
        print(f"\npermission matrix of pages: {count} cases")
    assert not wrong, f"{len(wrong)}\n" + "\n".join(wrong)
    assert lacking == set(LACKS)
    assert count > 10_000


def everyone(world: World) -> Iterator[tuple[str, str, Actor | None]]:
    other = make_space()
    yield "nobody", "anonymous", None
    for role in ROLES:
        if not role["space"]:
            yield role["name"], "system", make_holder(role["id"], None, {})
            continue
        for scope in ("in scope", "in groups", "out of scope"):
            if scope != "in groups" or role["name"] in IN_GROUPS:
                yield role["name"], scope, make_holder(role["id"], world.space, world.scopes[scope])
        yield role["name"], "other space", make_holder(role["id"], other, {})


def complete(world: World) -> World:
    """Add what stands in the holes of pages and in their forms alone."""
    space = default_space()
    held = give_role(make_user(is_service=True), "userroles-projectviewer", space)
    values = FeedValues("Outside", "http://127.0.0.1:9/maven")
    feed = create_feed(actor=SYSTEM, space=space, feed_type="Maven", values=values)
    project = Project.objects.in_space(space).get(name="Inside")
    library = LibraryVariableSet.objects.in_space(space).get(name="Common")
    own = {}
    for kind, variables in (
        ("projects", project.variable_set),
        ("libraryvariablesets", library.values),
    ):
        assert variables
        replace_variables(actor=SYSTEM, variable_set=variables, variables=[VariableInput("A", "b")])
        variables.refresh_from_db()
        own[f"guid of {kind}"] = variables.variables.get().guid
        own[f"version of {kind}"] = str(variables.version)
    actions = [
        read_process(each).steps[0].actions[0].id
        for each in (process_of(project), process_of_runbook(project.runbooks.get()))
    ]
    return replace(
        world,
        ids=world.ids
        | {
            "scopeduserroles": held.public_id,
            "teams": held.team.public_id,
            "feeds": feed.public_id,
            "scriptmodules": make_script_module().public_id,
            **own,
            "action": actions[0],
            "runbook action": actions[1],
        },
    )


def filled(page: str, world: World) -> dict[str, Any]:
    """Return what stands in the holes of a page's address."""
    own = {
        "form": "csv",
        "found": world.space.public_id,
        "kind": "maven",
        "package": world.ids["package_id"],
        "role": "userroles-projectviewer",
        "token": 1,
    }
    if page.startswith("projects"):
        kind = "libraryvariablesets" if "<library_set>" in page else "projects"
        own |= {"version": "1.0.0", "guid": world.ids[f"guid of {kind}"]}
    return {
        hole: own.get(hole) or world.ids.get(HOLES.get(hole, hole), "x-1")
        for hole in re.findall(r"<(?:int:)?(\w+)>", page)
    }


def sent(page: str, world: World) -> dict[str, str]:
    """Return the query or the form that goes along."""
    fields = PAGES[page].get("sends", {})
    return {name: text.format(**world.ids) for name, text in fields.items()}


@cache
def expected(page: str, verb: str, role: str, scope: str) -> int:
    """Return 401, 403, 404, or 200 for whatever else."""
    if scope == "anonymous":
        return 401
    if scope in {"other space", "system"}:
        return 404
    row = PAGES[page]
    needs, seen = row["needs"], row.get("seen", {})
    held, system = of_role(role, "space"), of_role(role, "system")
    if needs and needs not in held | system:
        return 403
    if not all(holds(name, held, set(place), scope) for name, place in seen.items()):
        return 404
    if verb == "get" and row.get("of") == "whole space" and "saves" in row:
        return 200
    saves = row.get("saves", needs) if verb == "post" else needs
    asks = saves if isinstance(saves, list) else [saves]
    return 200 if any(is_granted(row, name, held, system, scope) for name in asks) else 403


def is_granted(
    row: dict[str, Any], asks: str | None, held: set[str], system: set[str], scope: str
) -> bool:
    """Tell whether the role holds what is asked for on what the page is about."""
    if asks is None or asks in system:
        return True
    if asks not in held or row.get("of") == "rows":
        return asks in held
    if row.get("of") == "whole space":
        return not LIMITED[scope] & SUPPORTED[asks][0]
    place = row.get("place", next(reversed(row.get("seen", {}).values()), None))
    return place is None or holds(asks, held, set(place), scope)


@cache
def enough(page: str, verb: str, scope: str) -> str:
    """Return the role with the fewest permissions of those that may."""
    names = [role["name"] for role in ROLES if role["space"]]
    held = [name for name in names if expected(page, verb, name, scope) == 200]
    return min(held, key=lambda name: len(of_role(name, "space")), default="")


def answer(
    view: Callable[..., Any], request: HttpRequest, actor: Actor | None, values: dict[str, Any]
) -> int:
    """Return what a page answers, 200 for whatever is no refusal; what it changed is taken back."""
    whole: Any = request
    whole.actor, whole.session, whole._messages = actor, SessionStore(), CookieStorage(request)
    try:
        with transaction.atomic():
            found = view(whole, space="Spaces-1", **values)
            transaction.set_rollback(True)
        request_finished.disconnect(close_old_connections)
        found.close()  # ends a download; as in Django's own client the connection stays
        request_finished.connect(close_old_connections)
    except (NotAuthenticated, NotFound, NotPermitted) as error:
        return REFUSALS[type(error)]
    except Invalid:
        return 200
    return 405 if found.status_code == 405 else 200
