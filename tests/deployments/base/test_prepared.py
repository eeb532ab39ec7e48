"""Prepared queries find what Django's own find; usual settings are read once for a request."""

import pytest
from django.db import connection
from django.db.models import F
from django.db.models.functions import Upper
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries

from deployments.access.models import ApiKey
from deployments.base.models import Space
from deployments.base.postgres.lookups import TextsIn
from deployments.base.rows import PreparedQuery, insert_if_new
from deployments.base.settings_rows import (
    MAINTENANCE,
    forget_setting,
    get_setting,
    register_usual_setting,
    set_setting,
    usual_settings_held,
)
from packages_feed.models import StoredBlob
from tests.factories import default_space, make_ana, make_space

pytestmark = pytest.mark.django_db


def test_rows_come_with_what_belongs_to_them(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    ana = make_ana()
    assert ana.api_key
    query = PreparedQuery(
        lambda user, purpose: (
            ApiKey.objects.select_related("user").filter(user=user, purpose=purpose).order_by("pk")
        ),
        *(int, str),
    )
    key = ApiKey.objects.get(user=ana.user)
    for _ in range(2):
        with django_assert_num_queries(1):
            found = query.first(ana.user.pk, key.purpose)
            assert found is not None
            assert found.user.username == ana.user.username
            assert (found, found.created, found.expires) == (key, key.created, key.expires)
        assert query.first(ana.user.pk, "another") is None
    ApiKey.objects.filter(pk=key.pk).update(purpose="Changed")
    assert [each.purpose for each in query.all(ana.user.pk, "Changed")] == ["Changed"]


def test_queries_for_one_row_are_planned_once_and_seen_by_who_counts() -> None:
    query = PreparedQuery(lambda slug: Space.objects.filter(slug=slug).order_by("slug"), str)
    with CaptureQueriesContext(connection) as captured:
        for _ in range(3):
            query.first("nothing has this slug")
    assert all("base_space" in each["sql"] for each in captured.captured_queries)
    assert len(captured) == 3
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT generic_plans, custom_plans FROM pg_prepared_statements"
                ' WHERE statement LIKE \'%ORDER BY "base_space"."slug" ASC LIMIT 1\''
            )
            assert cursor.fetchall() == [(3, 0)]


def test_a_constant_stays_what_it_is() -> None:
    make_space("Other")
    query = PreparedQuery(lambda name: Space.objects.filter(is_default=False, name=name), str)
    assert [each.name for each in query.all("Other")] == ["Other"]
    assert query.all(default_space().name) == []


def test_what_is_worked_out_comes_along() -> None:
    query = PreparedQuery(
        lambda name: Space.objects.filter(name=name).annotate(upper=Upper("name")), str
    )
    found = query.first(default_space().name)
    assert found is not None
    assert vars(found)["upper"] == default_space().name.upper()


def test_a_value_that_is_changed_on_its_way_cannot_be_prepared() -> None:
    query = PreparedQuery(lambda name: Space.objects.filter(name__contains=name), str)
    with pytest.raises(TypeError, match="as it is"):
        query.first("Def")


def test_values_come_as_they_are_listed() -> None:
    make_space("Other")
    query = PreparedQuery(
        lambda name: Space.objects.filter(name=name).values_list("is_default", Upper("name")), str
    )
    assert query.all("Other") == [(False, "OTHER")]
    assert query.first("Another") is None


def test_a_part_of_the_rows_can_be_asked_for() -> None:
    names = sorted(make_space(f"Space {number}").name for number in range(4))
    query = PreparedQuery(
        lambda default: Space.objects.exclude(pk=default).order_by("name").values_list("name"), int
    )
    default = default_space().pk
    assert query.all(default, take=2) == [(name,) for name in names[:2]]
    assert query.all(default, skip=1, take=2) == [(name,) for name in names[1:3]]
    assert query.all(default, skip=9, take=2) == query.all(default, take=0) == []
    assert query.first(default) == (names[0],)


def test_lists_may_be_of_any_length(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    spaces = [make_space(name) for name in ("A", 'B "{,}" \\ \'', "C")]
    query = PreparedQuery(
        lambda names, keys: Space.objects.filter(TextsIn(F("name"), names), pk__in=keys).order_by(
            "pk"
        ),
        *(list[str], list[int]),
    )
    keys, names = [space.pk for space in spaces], [space.name for space in spaces]
    with django_assert_num_queries(3):
        assert query.all(names, keys) == spaces
        assert query.all([*names, "D"], keys[1:]) == spaces[1:]
        assert query.all(names, keys, skip=1, take=1) == spaces[1:2]
    assert query.all([], keys) == query.all(names, []) == []


def test_a_row_that_is_there_is_not_inserted_again() -> None:
    blob = StoredBlob(sha256="0" * 64, size=1, stored="2026-01-01T00:00:00Z")
    blob.save(force_insert=True)
    space = Space(name=default_space().name, slug=default_space().slug)
    assert insert_if_new(space) is False
    space.name, space.slug = "New", "new"
    assert insert_if_new(space) is True
    assert Space.objects.get(pk=space.pk).name == "New"


def test_usual_settings_cost_one_query(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    register_usual_setting("test.usual")
    set_setting("test.usual", {"a": [1]})
    with usual_settings_held():
        with django_assert_num_queries(1):
            assert get_setting("test.usual") == {"a": [1]}
            assert get_setting(MAINTENANCE, "none") == "none"
        set_setting("test.usual", 2)
        assert get_setting("test.usual") == 2
        forget_setting("test.usual")
        assert get_setting("test.usual", "gone") == "gone"
    with django_assert_num_queries(1):
        assert get_setting("test.usual") is None
