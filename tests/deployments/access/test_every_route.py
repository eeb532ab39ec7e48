"""Every API route is guarded, and every owned model is told from rows of other spaces."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.test import Client
from django.urls import URLPattern, get_resolver

from deployments.access.api.viewsets import ApiViewSet, SpaceViewSet
from deployments.access.rules import ANONYMOUS
from deployments.base.models import Space, SpaceOwned
from tests.factories import default_space, make_ana, make_dan, make_space

# These exist without a space too, or (tokens) are looked up by their hash alone.
MIXED = {"Team", "ScopedUserRole", "Event", "RegistrationToken"}
# These are read by their holder, or by the space of the page.
MIXED |= {"UserObjectGrant", "TeamObjectGrant"}
NOT_RESOURCES = ("api/openapi.json", "api/docs")


def api_patterns() -> Iterator[tuple[str, URLPattern]]:
    def walk(patterns: Any, prefix: str) -> Iterator[tuple[str, URLPattern]]:
        for pattern in patterns:
            route = prefix + str(pattern.pattern)
            if isinstance(pattern, URLPattern):
                yield route, pattern
            else:
                yield from walk(pattern.url_patterns, route)

    for route, pattern in walk(get_resolver().url_patterns, ""):
        if route.startswith("api"):
            yield route, pattern


def test_every_action_of_every_route_has_a_rule() -> None:
    missing = []
    for route, pattern in api_patterns():
        view = getattr(pattern.callback, "cls", None)
        if route in NOT_RESOURCES:
            continue
        assert view is not None, f"{route} is not a view set"
        assert issubclass(view, ApiViewSet), route
        actions: dict[str, str] = pattern.callback.actions  # type: ignore[attr-defined]
        missing += [
            f"{route}: {view.__name__}.{action}"
            for verb, action in actions.items()
            if action not in view.permission_map and verb != "head"
        ]
    assert not missing


@pytest.mark.django_db
def test_every_route_that_is_not_anonymous_answers_401() -> None:
    client, space = Client(), default_space().public_id
    open_routes = []
    for route, pattern in api_patterns():
        view = getattr(pattern.callback, "cls", None)
        if view is None:
            continue
        path = filled(route, space)
        for verb, action in list(getattr(pattern.callback, "actions", {}).items()):
            if view.permission_map[action] is ANONYMOUS:
                continue
            status = getattr(client, verb)(path).status_code
            if status != 401:
                open_routes.append(f"{verb} {path}: {status}")
    assert not open_routes


def filled(route: str, space: str) -> str:
    """Return the path of a route, with an id of nothing in each hole."""
    parts = route.split("/")
    return "/" + "/".join(
        space if part == "<space:space>" else "x-1" if part.startswith("<") else part
        for part in parts
    )


def reading_routes_of_spaces() -> list[str]:
    return [
        route
        for route, pattern in api_patterns()
        if route.startswith("api/<space:space>/")
        and issubclass(getattr(pattern.callback, "cls", object), SpaceViewSet)
        and "get" in getattr(pattern.callback, "actions", {})
    ]


@pytest.mark.django_db
def test_a_space_without_rights_has_no_resources() -> None:
    dan, space = make_dan(make_space()), default_space().public_id
    client = dan.api
    found = {
        route: status
        for route in reading_routes_of_spaces()
        if (status := client.get(filled(route, space)).status_code) != 404
    }
    assert not found


@pytest.mark.django_db
def test_ids_of_nothing_are_404_and_never_500() -> None:
    client, space = make_ana().api, default_space().public_id
    found = {
        route: status
        for route in reading_routes_of_spaces()
        if (status := client.get(filled(route, space)).status_code) not in {200, 400, 404}
    }
    assert not found


def test_every_model_with_a_space_is_guarded() -> None:
    unguarded = {
        model.__name__
        for model in apps.get_models()
        if any(field.related_model is Space for field in model._meta.concrete_fields)
        and not issubclass(model, SpaceOwned)
    }
    assert unguarded == MIXED


def test_no_model_reaches_a_space_without_owning_one() -> None:
    """A row that belongs to an owned row alone may do without; its parent names the space."""
    without = {
        model.__name__
        for model in apps.get_models()
        if not issubclass(model, SpaceOwned)
        and any(
            field.many_to_one
            and isinstance(field.related_model, type)
            and issubclass(field.related_model, SpaceOwned)
            for field in model._meta.concrete_fields
        )
        and not model._meta.auto_created
    }
    children = {
        *("AgentSession", "RegistrationToken", "MachineEnvironment"),
        *("Phase", "PhaseEnvironment", "ReleaseSelectedPackage", "WaitingTarget", "FreezeScope"),
        *(
            "PendingDeployment",
            "TriggerCall",
            "WatchedPackage",
            "WatchedRepository",
            "FeedListing",
            "FetchedPackage",
        ),
        *("RunbookSnapshotPackage", "ProcessNote"),
        *("AccountEnvironment", "AccountTenant", "CertificateEnvironment", "CertificateTenant"),
        *("Tag", "TenantTag", "ProjectConnection", "ConnectedEnvironment", "MachineTenant"),
    }
    assert without <= children


def test_every_dimension_of_a_model_is_a_path_to_a_number() -> None:
    for model in apps.get_models():
        for dimension, path in getattr(model, "scope_paths", {}).items():
            assert dimension in {"project", "project_group", "environment", "tenant"}
            model._base_manager.filter(**{f"{path}__in": [1]}).query.sql_with_params()
