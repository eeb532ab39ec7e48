"""Script modules: written as one thing, stored as a library set with two variables."""

from dataclasses import replace

from django.db import transaction

from agent.contracts.script_modules import file_name
from deployments.access.permissions import Permission
from deployments.access.policy import require_on
from deployments.base.actor import Actor
from deployments.base.errors import Invalid, NotFound
from deployments.base.models import Space
from deployments.library.models import LibraryVariableSet
from deployments.library.queries import variables_of
from deployments.library.script_modules import LANGUAGES, ScriptModule, read_module
from deployments.library.services.inputs import module_variables
from deployments.library.services.library_sets import create_library_set, update_library_set
from deployments.library.services.variables import replace_variables


def create_script_module(
    *, actor: Actor, space: Space, name: str, module: ScriptModule, description: str = ""
) -> LibraryVariableSet:
    """Create a module. Raises Invalid, NotPermitted."""
    _require_valid(name, module)
    with transaction.atomic():
        row = create_library_set(
            actor=actor,
            space=space,
            name=name,
            description=description,
            content=LibraryVariableSet.Content.SCRIPT_MODULE,
        )
        _write(actor, row, module, None)
    return row


def update_script_module(
    *,
    actor: Actor,
    row: LibraryVariableSet,
    name: str,
    module: ScriptModule,
    description: str = "",
    version: int | None = None,
) -> LibraryVariableSet:
    """Give the module this name and script; `version` is that of its values when it was read."""
    require_on(actor, row, Permission.LibraryVariableSetEdit)
    _require_valid(name, module)
    if row.content != LibraryVariableSet.Content.SCRIPT_MODULE:
        raise NotFound
    with transaction.atomic():
        # The values first: their version tells whether somebody else was faster.
        _write(actor, row, module, version)
        update_library_set(actor=actor, row=row, name=name, description=description)
    return row


def _write(actor: Actor, row: LibraryVariableSet, module: ScriptModule, at: int | None) -> None:
    stored = read_module(row.name, variables_of(row.values))
    kept = replace(module, body_id=stored.body_id, language_id=stored.language_id)
    variables = module_variables(row.name, kept)
    replace_variables(actor=actor, variable_set=row.values, variables=variables, version=at)


def _require_valid(name: str, module: ScriptModule) -> None:
    problems: dict[str, list[str]] = {}
    if name.strip() and not file_name(name, LANGUAGES[0]):
        problems["Name"] = ["A script module needs a letter or digit of ASCII in its name."]
    if module.language not in LANGUAGES:
        problems["Syntax"] = [f"The language is one of {', '.join(LANGUAGES)}."]
    if not module.body.strip():
        problems["ScriptBody"] = ["The script of the module is required."]
    if problems:
        raise Invalid(fields=problems)
