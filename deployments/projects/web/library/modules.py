"""Script modules of the library: the list, and one module with its script."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.views.decorators.http import require_http_methods, require_POST

from agent.contracts.script_modules import file_name
from deployments.access.permissions import Permission
from deployments.access.policy import allows_on
from deployments.access.web.forms import (
    NO_PROBLEMS,
    Problems,
    attempt,
    carry_out,
    go,
    show,
)
from deployments.access.web.pages import PageRequest, find, page
from deployments.base.errors import NotFound
from deployments.base.numbers import whole_number
from deployments.library.models import LibraryVariableSet
from deployments.library.queries import visible_variables
from deployments.library.script_modules import LANGUAGES, ScriptModule, read_module
from deployments.library.services import (
    create_script_module,
    delete_library_set,
    update_script_module,
)
from deployments.projects.web.library.sets import list_values
from deployments.projects.web.variable_owner import library_frame

MODULES = "projects/script-modules"
_SEE = Permission.LibraryVariableSetView


@require_http_methods(["GET", "POST"])
@page(_SEE)
def module_list(request: PageRequest) -> HttpResponse:
    """List the script modules; create one."""
    if request.method == "GET":
        return _list(request)
    row, problems = attempt(
        lambda: create_script_module(
            actor=request.actor,
            space=request.space,
            name=request.POST.get("name", ""),
            description=request.POST.get("description", ""),
            module=_sent(request),
        )
    )
    if row is None:
        return _list(request, problems)
    messages.success(request, f"The script module {row.name} was created.")
    return go(request, f"{MODULES}/{row.public_id}")


@require_http_methods(["GET", "POST"])
@page(_SEE)
def module_page(request: PageRequest, module: str) -> HttpResponse:
    """Show a script module, and change it."""
    row = _module(request, module)
    if request.method == "GET":
        stored = read_module(row.name, visible_variables(request.actor, row.values))
        return _page(request, row, row.name, row.description, stored)
    name, description = request.POST.get("name", ""), request.POST.get("description", "")
    saved, problems = attempt(
        lambda: update_script_module(
            actor=request.actor,
            row=_module(request, module),
            name=name,
            description=description,
            module=_sent(request),
            version=whole_number(request.POST.get("version")) or 0,
        )
    )
    if saved is None:
        return _page(request, row, name, description, _sent(request), problems)
    messages.success(
        request, f"The script module {saved.name} was saved. Releases keep what they froze."
    )
    return go(request, f"{MODULES}/{row.public_id}")


@require_POST
@page(Permission.LibraryVariableSetDelete)
def module_delete(request: PageRequest, module: str) -> HttpResponse:
    """Delete a script module that no project includes."""
    row = _module(request, module)
    return carry_out(
        request,
        lambda: delete_library_set(actor=request.actor, row=row),
        f"The script module {row.name} was deleted.",
        to=MODULES,
        refused=f"{MODULES}/{row.public_id}",
    )


def _module(request: PageRequest, text: str) -> LibraryVariableSet:
    row = find(request, LibraryVariableSet, text, _SEE)
    if row.content != LibraryVariableSet.Content.SCRIPT_MODULE:
        raise NotFound
    return row


def _sent(request: PageRequest) -> ScriptModule:
    body = request.POST.get("body", "").replace("\r\n", "\n")
    return ScriptModule(request.POST.get("language", ""), body)


def _list(request: PageRequest, problems: Problems = NO_PROBLEMS) -> HttpResponse:
    values = list_values(request, LibraryVariableSet.Content.SCRIPT_MODULE)
    values |= {
        "module": _sent(request),
        "languages": LANGUAGES,
        "may_create": values["may_create"]
        and request.grants.allows(Permission.VariableEditUnscoped),
    }
    return show(request, "projects/script_modules.html", values, problems)


def _page(
    request: PageRequest,
    row: LibraryVariableSet,
    name: str,
    description: str,
    module: ScriptModule,
    problems: Problems = NO_PROBLEMS,
) -> HttpResponse:
    values: dict[str, Any] = {
        **library_frame(request, row),
        "name": name,
        "description": description,
        "module": module,
        "languages": LANGUAGES,
        "file": file_name(row.name, module.language),
        "version": request.POST.get("version") or row.values.version,
        "may_edit": allows_on(request.actor, row, Permission.LibraryVariableSetEdit)
        and request.grants.allows(Permission.VariableEditUnscoped),
        "may_delete": allows_on(request.actor, row, Permission.LibraryVariableSetDelete),
    }
    return show(request, "projects/script_module.html", values, problems)
