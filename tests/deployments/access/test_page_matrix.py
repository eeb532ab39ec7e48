"""Every page × every built-in role that lacks its permission, × another space, × nobody.

`tests/cases/permissions/pages.json` says what each page needs; null is a page for everybody who has
something to do in the space, which narrows itself what it shows.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import RequestFactory

from deployments.access.grants import held_for_a_while
from deployments.base.actor import Actor
from deployments.base.errors import NotAuthenticated, NotFound, NotPermitted
from tests.architecture.test_pages import pages
from tests.deployments.access.matrix import make_holder
from tests.deployments.access.test_catalogue import of_role
from tests.factories import default_space, make_space
from tests.support.cases import cases

PAGES = {case["page"]: case["needs"] for case in cases("permissions", "pages")}
ROLES = [case for case in cases("permissions", "roles") if case["space"]]
SPACE = "app/<space:space>/"


def views() -> Iterator[tuple[str, Any]]:
    for route, view in pages():
        if route.startswith(SPACE):
            yield route.removeprefix(SPACE).replace("<str:", "<"), view


def test_the_table_has_every_page() -> None:
    assert {page for page, _ in views()} == set(PAGES)


@pytest.mark.django_db
def test_refusals(capsys: pytest.CaptureFixture[str]) -> None:
    space, other, wrong, count = default_space(), make_space(), [], 0
    people: list[tuple[str, set[str], Actor | None, Any]] = [
        ("nobody", set(), None, NotAuthenticated)
    ]
    for role in ROLES:
        held = of_role(role["name"], "space") | of_role(role["name"], "system")
        people.append((role["name"], held, make_holder(role["id"], space, {}), NotPermitted))
        people.append(
            (f"{role['name']} elsewhere", set(), make_holder(role["id"], other, {}), NotFound)
        )
    for name, held, actor, error in people:
        with held_for_a_while():
            for page, view in views():
                if error is NotPermitted and (PAGES[page] is None or PAGES[page] in held):
                    continue
                count += 1
                found = refusal(view, page, actor)
                if found is not error:
                    wrong.append(f"{page}: {name}: {found}")
    with capsys.disabled():
        print(f"\npermission matrix of pages: {count} refusals")
    assert not wrong, f"{len(wrong)}\n" + "\n".join(wrong)
    assert count > 3_000


def refusal(view: Callable[..., Any], page: str, actor: Actor | None) -> type[Exception] | None:
    """Return what the page raises to a GET, or to a POST where it takes nothing else."""
    holes = re.findall(r"<(?:int:)?(\w+)>", page)
    for send in (RequestFactory().get, RequestFactory().post):
        request: Any = send(f"/{SPACE}{page}")
        request.actor = actor
        try:
            answer = view(request, space="Spaces-1", **dict.fromkeys(holes, "x-1"))
        except (NotAuthenticated, NotFound, NotPermitted) as error:
            return type(error)
        if answer.status_code != 405:
            return None
    return None
