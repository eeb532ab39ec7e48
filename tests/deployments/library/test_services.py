"""Writing variable sets."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from deployments.base.errors import Invalid, NotPermitted
from deployments.base.models import Event
from deployments.library.models import Variable, VariableSet
from deployments.library.queries import candidates, variables_of, visible_variables
from deployments.library.scoping import ScopeContext, resolve
from deployments.library.services import (
    VariableInput,
    add_variable,
    delete_variable,
    replace_variables,
    update_variable,
)
from deployments.library.values import open_candidate
from tests.factories import SYSTEM, default_space, give_role, make_cleo, make_user
from tests.factories.domain import make_environment, make_project, make_variables
from tests.factories.people import as_person

pytestmark = pytest.mark.django_db


@pytest.fixture
def variable_set() -> VariableSet:
    found = make_project("Web").variable_set
    assert found is not None
    return found


def shown(variable_set: VariableSet) -> dict[str, str]:
    """Return every value of the set, opened."""
    values = {}
    for candidate in candidates(variable_set):
        value = open_candidate(candidate)
        values[candidate.name] = (
            value if isinstance(value, str) else value.reveal() if value else ""
        )
    return values


def test_sensitive_values_are_sealed_and_kept(variable_set: VariableSet) -> None:
    added = add_variable(
        actor=SYSTEM,
        variable_set=variable_set,
        variable=VariableInput("Key", "s3cret!", kind="Sensitive"),
    )
    assert added.is_sensitive
    assert added.value is None
    assert b"s3cret!" not in bytes(added.sealed_value or b"")
    assert shown(variable_set) == {"Key": "s3cret!"}
    changed = VariableInput("Key 2", None, is_sensitive=True)
    update_variable(actor=SYSTEM, variable_set=variable_set, guid=added.guid, variable=changed)
    assert shown(variable_set) == {"Key 2": "s3cret!"}
    plain = VariableInput("Key 2", None)
    update_variable(actor=SYSTEM, variable_set=variable_set, guid=added.guid, variable=plain)
    assert shown(variable_set) == {"Key 2": ""}


def test_a_plain_value_made_sensitive_is_sealed(variable_set: VariableSet) -> None:
    added = add_variable(
        actor=SYSTEM, variable_set=variable_set, variable=VariableInput("Key", "was plain")
    )
    update_variable(
        actor=SYSTEM,
        variable_set=variable_set,
        guid=added.guid,
        variable=VariableInput("Key", None, is_sensitive=True),
    )
    [row] = variables_of(variable_set)
    assert row.value is None
    assert shown(variable_set) == {"Key": "was plain"}


def test_events_never_hold_secrets(variable_set: VariableSet) -> None:
    for secret in ("first secret", "second secret"):
        variable = VariableInput("Key", secret, id="guid-1", is_sensitive=True)
        replace_variables(actor=SYSTEM, variable_set=variable_set, variables=[variable])
    last = Event.objects.filter(subject_id=variable_set.public_id).first()
    assert last is not None
    [change] = last.changes
    assert change["before"] != change["after"]
    assert "secret " in change["after"]
    assert "first secret" not in str(last.changes)
    assert "second secret" not in str(last.changes)
    before = Event.objects.count()
    same = VariableInput("Key", None, id="guid-1", is_sensitive=True)
    replace_variables(actor=SYSTEM, variable_set=variable_set, variables=[same])
    assert Event.objects.count() == before


def test_a_stale_version_is_refused(variable_set: VariableSet) -> None:
    replace_variables(
        actor=SYSTEM, variable_set=variable_set, variables=[VariableInput("A", "1")], version=0
    )
    assert variable_set.version == 1
    with pytest.raises(Invalid, match="changed by somebody else"):
        replace_variables(actor=SYSTEM, variable_set=variable_set, variables=[], version=0)
    assert shown(variable_set) == {"A": "1"}


def test_order_and_ids_are_kept(variable_set: VariableSet) -> None:
    replace_variables(
        actor=SYSTEM,
        variable_set=variable_set,
        variables=[
            VariableInput("B", "1", id="x"),
            VariableInput("A", "2"),
            VariableInput("C", "3", id="x"),
        ],
    )
    rows = variables_of(variable_set)
    assert [row.name for row in rows] == ["B", "A", "C"]
    assert rows[0].guid == "x"
    assert len({row.guid for row in rows}) == 3
    delete_variable(actor=SYSTEM, variable_set=variable_set, guid="x")
    assert [row.name for row in variables_of(variable_set)] == ["A", "C"]


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        (VariableInput(" ", "x"), "must have a name"),
        (VariableInput("A\0", "x"), "A?: neither name nor value may have a NUL character."),
        (VariableInput("A", "x\0"), "A: neither name nor value may have a NUL character."),
        (VariableInput("A", "x", kind="Color"), "'Color' is not one of"),
        (VariableInput("A", "x", scope={"Galaxy": ["x"]}), "cannot be scoped to 'Galaxy'"),
    ],
)
def test_what_is_refused(variable_set: VariableSet, variable: VariableInput, text: str) -> None:
    with pytest.raises(Invalid, match=text):
        replace_variables(actor=SYSTEM, variable_set=variable_set, variables=[variable])


def test_an_editor_of_staging_touches_nothing_else() -> None:
    staging, production = make_environment("Staging"), make_environment("Production")
    project = make_project("Web")
    make_variables(
        project,
        VariableInput("Db", "staging", id="s", scope={"Environment": [staging.public_id]}),
        VariableInput("Db", "production", id="p", scope={"Environment": [production.public_id]}),
    )
    assert project.variable_set is not None
    user = make_user("ben")
    give_role(user, "userroles-projectlead", default_space(), {"environment": [staging.public_id]})
    ben = as_person(user)
    seen = visible_variables(ben.actor, project.variable_set)
    assert "production" not in {row.value for row in seen}
    mine = VariableInput("Db", "new", id="s", scope={"Environment": [staging.public_id]})
    replace_variables(actor=ben.actor, variable_set=project.variable_set, variables=[mine])
    space = default_space()
    values = Variable.objects.in_space(space).values_list("guid", "value")
    assert dict(values) == {"s": "new", "p": "production"}
    theirs = VariableInput("Db", "x", scope={"Environment": [production.public_id]})
    with pytest.raises(NotPermitted, match="VariableEdit"):
        add_variable(actor=ben.actor, variable_set=project.variable_set, variable=theirs)
    cleo = make_cleo(space)
    with pytest.raises(NotPermitted):
        add_variable(
            actor=cleo.actor, variable_set=project.variable_set, variable=VariableInput("A", "1")
        )


def test_the_resolver_takes_stored_variables(variable_set: VariableSet) -> None:
    environment = make_environment("Dev")
    scope = {"Environment": [environment.public_id]}
    replace_variables(
        actor=SYSTEM,
        variable_set=variable_set,
        variables=[VariableInput("Db", "all"), VariableInput("Db", "dev", scope=scope)],
    )
    winner = resolve(
        "db", candidates(variable_set), ScopeContext(environment=environment.public_id)
    )
    assert winner is not None
    assert winner.candidate.value == "dev"
    assert winner.overruled[0].candidate.value == "all"


def test_one_of_many_is_written_alone(variable_set: VariableSet) -> None:
    """Saving costs the same with thousands of others, and moves none of them."""
    many = [VariableInput(f"V{n}", str(n), is_sensitive=n % 5 == 0) for n in range(300)]
    replace_variables(actor=SYSTEM, variable_set=variable_set, variables=many)
    rows = variables_of(variable_set)
    with CaptureQueriesContext(connection) as written:
        update_variable(
            actor=SYSTEM,
            variable_set=variable_set,
            guid=rows[7].guid,
            variable=VariableInput("V7", "seven"),
        )
    updates = [q["sql"] for q in written if q["sql"].startswith('UPDATE "library_variable"')]
    assert len(updates) == 1
    assert len(written) <= 15
    after = variables_of(variable_set)
    assert [row.guid for row in after] == [row.guid for row in rows]
    changed = Event.objects.latest("id").changes
    assert [(each["before"], each["after"]) for each in changed] == [("7", "seven")]
    again = [
        VariableInput(row.name, row.value, id=row.guid, is_sensitive=row.is_sensitive)
        for row in after
    ]
    again[3] = VariableInput("V3", "three", id=after[3].guid)
    with CaptureQueriesContext(connection) as written:
        replace_variables(actor=SYSTEM, variable_set=variable_set, variables=again)
    assert sum('UPDATE "library_variable"' in query["sql"] for query in written) == 1
    assert shown(variable_set)["V3"] == "three"
    assert shown(variable_set)["V5"] == "5"


def test_who_sees_less_moves_nothing_of_the_others(variable_set: VariableSet) -> None:
    staging, production = make_environment("Staging"), make_environment("Production")
    replace_variables(
        actor=SYSTEM,
        variable_set=variable_set,
        variables=[
            VariableInput("Url", "p", scope={"Environment": [production.public_id]}),
            VariableInput("Url", "s", scope={"Environment": [staging.public_id]}),
        ],
    )
    user = make_user("eve")
    give_role(user, "userroles-projectlead", default_space(), {"environment": [staging.public_id]})
    eve = as_person(user)
    mine = VariableInput("Url", "t", scope={"Environment": [staging.public_id]})
    add_variable(actor=eve.actor, variable_set=variable_set, variable=mine)
    assert [row.value for row in variables_of(variable_set)] == ["p", "s", "t"]


def test_the_order_is_kept_and_few_rows_are_written_for_it(variable_set: VariableSet) -> None:
    def write(*names: str) -> int:
        """Write the set in this order; return how many values were stored anew."""
        known = {row.name: row for row in variables_of(variable_set)}
        inputs = [
            VariableInput(name, "x", id=known[name].guid if name in known else "") for name in names
        ]
        replace_variables(actor=SYSTEM, variable_set=variable_set, variables=inputs)
        rows = variables_of(variable_set)
        assert [row.name for row in rows] == list(names)
        places = [row.position for row in rows]
        assert places == sorted(set(places))
        return sum(
            row.name not in known or known[row.name].position != row.position for row in rows
        )

    assert write("a", "b", "c", "d", "e", "f") == 6
    assert write("a", "c", "d", "e", "f") == 0
    assert write("f", "c", "d", "e", "a") == 2
    assert write("f", "c", "d", "e", "a", "g") == 1
    assert write("f", "c", "d", "h", "e", "a", "g") == 4
    assert write("g", "f", "c", "d", "h", "e", "a") == 7
    Variable.objects.in_space(variable_set.space).update(position=0)
    names = [row.name for row in variables_of(variable_set)]
    assert write(*reversed(names)) == 6
