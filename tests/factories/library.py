"""Library variable sets, script modules, accounts."""

from collections.abc import Mapping, Sequence
from typing import Any

from deployments.infrastructure.models import Environment
from deployments.library.models import Account, LibraryVariableSet
from deployments.library.script_modules import ScriptModule
from deployments.library.services import (
    AccountInput,
    Restrictions,
    VariableInput,
    create_account,
    create_library_set,
    create_script_module,
    replace_variables,
)
from deployments.library.tenancy import Tenancy
from deployments.projects.models import Project
from deployments.projects.services.projects import set_project_extra
from tests.factories.people import SYSTEM
from tests.factories.spaces import default_space


def make_library_set(
    name: str = "Common",
    *variables: VariableInput,
    templates: Sequence[Mapping[str, Any]] = (),
    projects: Sequence[Project] = (),
) -> LibraryVariableSet:
    """Create a set with these values, included in the projects behind what they include."""
    row = create_library_set(actor=SYSTEM, space=default_space(), name=name, templates=templates)
    replace_variables(actor=SYSTEM, variable_set=row.values, variables=variables)
    for project in projects:
        include(project, *project.extra.get("IncludedLibraryVariableSetIds", ()), row.public_id)
    return row


def include(project: Project, *sets: str) -> None:
    """Make the project include exactly these sets."""
    extra = {"IncludedLibraryVariableSetIds": list(sets)}
    set_project_extra(actor=SYSTEM, row=project, extra=extra)


def make_script_module(
    name: str = "Say Hello",
    body: str = "say_hello() { echo hello; }",
    language: str = "Bash",
    *,
    projects: Sequence[Project] = (),
) -> LibraryVariableSet:
    """Create a script module, included in the projects behind what they include."""
    row = create_script_module(
        actor=SYSTEM, space=default_space(), name=name, module=ScriptModule(language, body)
    )
    for project in projects:
        include(project, *project.extra.get("IncludedLibraryVariableSetIds", ()), row.public_id)
    return row


def make_account(
    name: str = "Database",
    account_type: str = "UsernamePassword",
    *,
    environments: Sequence[Environment] = (),
    tenancy: Tenancy | None = None,
    **values: Any,
) -> Account:
    """Create an account; without values one with a user name and password."""
    return create_account(
        actor=SYSTEM,
        space=default_space(),
        account_type=account_type,
        account=AccountInput(
            name=name,
            values=values or {"Username": "ana", "Password": "pa55word"},
            restrictions=Restrictions([row.pk for row in environments], tenancy),
        ),
    )
