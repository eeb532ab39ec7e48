"""Library variable sets."""

from collections.abc import Mapping, Sequence
from typing import Any

from deployments.library.models import LibraryVariableSet
from deployments.library.script_modules import ScriptModule
from deployments.library.services import (
    VariableInput,
    create_library_set,
    create_script_module,
    replace_variables,
)
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
