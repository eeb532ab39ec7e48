"""Help with templates in steps and values: names to choose from, and what looks wrong."""

from typing import Final

from django.http import HttpResponse, JsonResponse
from django.views.decorators.http import require_GET, require_POST

from agent.language.checking import check_template
from deployments.access.permissions import Permission
from deployments.access.web.forms import show
from deployments.access.web.pages import PageRequest, find, page
from deployments.library.models import LibraryVariableSet
from deployments.projects.models import Project
from deployments.projects.process import Action, Step
from deployments.projects.step_catalogue import StepKind
from deployments.projects.template_names import (
    FILTER_NAMES,
    SYSTEM_NAMES,
    TemplateNames,
    names_in_set,
    texts_of_step,
)
from deployments.projects.web.process_form import PREFIX, StepForm
from deployments.projects.web.process_owner import ProcessOwner, owner_of

_MOST_WARNINGS: Final = 5


@require_GET
@page(Permission.ProcessEdit)
def process_names(request: PageRequest, project: str) -> HttpResponse:
    """Answer with the names that templates may use, as JSON."""
    return _names(request, owner_of(request, project))


@require_GET
@page(Permission.RunbookEdit)
def runbook_names(request: PageRequest, project: str, runbook: str) -> HttpResponse:
    """Answer with the names that templates may use, as JSON."""
    return _names(request, owner_of(request, project, runbook))


@require_POST
@page(Permission.ProcessEdit)
def process_check(request: PageRequest, project: str) -> HttpResponse:
    """Say what seems wrong with the one setting that was sent."""
    return _check(request, owner_of(request, project))


@require_POST
@page(Permission.RunbookEdit)
def runbook_check(request: PageRequest, project: str, runbook: str) -> HttpResponse:
    """Say what seems wrong with the one setting that was sent."""
    return _check(request, owner_of(request, project, runbook))


@require_GET
@page(Permission.ProjectView)
def value_names(request: PageRequest, project: str) -> HttpResponse:
    """Answer with the names that values of the project may use, as JSON."""
    row = find(request, Project, project, Permission.ProjectView)
    return _answer(TemplateNames(request.actor, row).names)


@require_POST
@page(Permission.ProjectView)
def value_check(request: PageRequest, project: str) -> HttpResponse:
    """Say what seems wrong with the value that was sent."""
    row = find(request, Project, project, Permission.ProjectView)
    names = TemplateNames(request.actor, row)
    return _findings(request, names.check(request.POST.get("value", "")))


@require_GET
@page(Permission.LibraryVariableSetView)
def set_names(request: PageRequest, library_set: str) -> HttpResponse:
    """Answer with the names that values of the set may use, as JSON."""
    row = find(request, LibraryVariableSet, library_set, Permission.LibraryVariableSetView)
    return _answer(names_in_set(request.actor, row))


@require_POST
@page(Permission.LibraryVariableSetView)
def set_check(request: PageRequest, library_set: str) -> HttpResponse:
    """Say what seems wrong with the value that was sent; no name is unknown."""
    find(request, LibraryVariableSet, library_set, Permission.LibraryVariableSetView)
    return _findings(request, check_template(request.POST.get("value", ""), lambda _: True))


def findings_of_form(
    request: PageRequest, owner: ProcessOwner, form: StepForm
) -> dict[str, list[str]]:
    """Return what seems wrong with the texts of a form, by the names of its fields."""
    fields = [*form.main, *(field for fold in form.folds for field in fold.fields)]
    names = TemplateNames(request.actor, owner.project)
    found = {field.input_name: names.check(field.value) for field in fields}
    return {name: said for name, said in found.items() if said}


def warnings_of_step(
    request: PageRequest, owner: ProcessOwner, step: Step, action: Action, kind: StepKind | None
) -> list[str]:
    """Return what seems wrong with the texts of a step that was saved; a few, in words."""
    names = TemplateNames(request.actor, owner.project)
    said = [
        f"{label}: {words}"
        for label, text in texts_of_step(step, action, kind)
        for words in names.check(text)
    ]
    more = len(said) - _MOST_WARNINGS
    return [*said[:_MOST_WARNINGS], f"And {more} more."] if more > 0 else said


def _names(request: PageRequest, owner: ProcessOwner) -> HttpResponse:
    return _answer(TemplateNames(request.actor, owner.project).names)


def _answer(names: list[str]) -> HttpResponse:
    return JsonResponse({"Names": [*names, *SYSTEM_NAMES], "Filters": FILTER_NAMES})


def _check(request: PageRequest, owner: ProcessOwner) -> HttpResponse:
    text = next((request.POST[name] for name in request.POST if name.startswith(PREFIX)), "")
    return _findings(request, TemplateNames(request.actor, owner.project).check(text))


def _findings(request: PageRequest, findings: list[str]) -> HttpResponse:
    return show(request, "projects/_template_check.html", {"findings": findings})
