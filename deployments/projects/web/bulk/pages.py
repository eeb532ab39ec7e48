"""All values of a project or a library set as one text: edit them, take them out, bring them in."""

from typing import Any, Final

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpResponse
from django.views.decorators.http import require_GET, require_http_methods

from deployments.access.permissions import Permission
from deployments.access.web.forms import NO_PROBLEMS, Problems, attempt, go, show
from deployments.access.web.pages import PageRequest, page
from deployments.base.errors import Invalid
from deployments.base.numbers import whole_number
from deployments.library.queries import visible_variables
from deployments.library.services import replace_variables
from deployments.projects.web.bulk.differences import changes, count_of, joined
from deployments.projects.web.bulk.text import (
    LONGEST,
    Names,
    from_text,
    input_of,
    to_text,
    unambiguous,
)
from deployments.projects.web.variable_owner import ValuesOwner, library_values, project_values
from deployments.projects.web.variable_rows import scope_words

# Target tags are whatever somebody writes.
_FREE: Final = ("Role",)
_MOST_SHOWN: Final = 500


@require_http_methods(["GET", "POST"])
@page(Permission.ProjectView)
def project_text(request: PageRequest, project: str) -> HttpResponse:
    """Edit the project's values as one text: first what would change, then the change."""
    return _edit(request, project_values(request, project))


@require_GET
@page(Permission.ProjectView)
def project_export(request: PageRequest, project: str) -> HttpResponse:
    """Download the values of the project that the reader may see."""
    return _export(request, project_values(request, project))


@require_http_methods(["GET", "POST"])
@page(Permission.LibraryVariableSetView)
def set_text(request: PageRequest, library_set: str) -> HttpResponse:
    """Edit the values of a library set as one text."""
    return _edit(request, library_values(request, library_set))


@require_GET
@page(Permission.LibraryVariableSetView)
def set_export(request: PageRequest, library_set: str) -> HttpResponse:
    """Download the values of a library set that the reader may see."""
    return _export(request, library_values(request, library_set))


def _export(request: PageRequest, owner: ValuesOwner) -> HttpResponse:
    names = _names(request, owner)
    text = to_text(visible_variables(request.actor, owner.variable_set), names)
    name = f"variables-{owner.owner.public_id}.json"
    disposition = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(text, content_type="application/json", headers=disposition)


def _edit(request: PageRequest, owner: ValuesOwner) -> HttpResponse:
    if request.method == "GET":
        rows = visible_variables(request.actor, owner.variable_set)
        return _page(request, owner, {"text": to_text(rows, _names(request, owner))})
    form: dict[str, Any] = {"keeps_others": request.POST.get("others") == "keep"}
    read, problems = attempt(lambda: _sent(request))
    form["text"] = read or ""
    if read is None:
        return _page(request, owner, form, problems)
    judged, problems = attempt(lambda: _judge(request, owner, form))
    if judged is None:
        return _page(request, owner, form, problems)
    after, found = judged
    if "save" not in request.POST or not found:
        return _page(request, owner, {**form, "changes": found, "is_judged": True})
    version = whole_number(request.POST.get("version"))
    saved, problems = attempt(
        lambda: replace_variables(
            actor=request.actor,
            variable_set=owner.variable_set,
            variables=after,
            version=-1 if version is None else version,
        )
    )
    if saved is None:
        return _page(request, owner, {**form, "changes": found, "is_judged": True}, problems)
    messages.success(request, f"The variables were saved: {count_of(found)}.")
    return go(request, owner.path)


def _sent(request: PageRequest) -> str:
    """Return the text that was typed, or that of the file that was chosen."""
    file = request.FILES.get("file")
    if not isinstance(file, UploadedFile):
        return request.POST.get("text", "")
    if (file.size or 0) > LONGEST:
        raise Invalid(f"The file has more than {LONGEST} bytes.")
    try:
        return bytes(file.read()).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Invalid("The file is not text in UTF-8.") from error


def _judge(request: PageRequest, owner: ValuesOwner, form: dict[str, Any]) -> Any:
    """Return what the set would hold, and what would change."""
    names = _names(request, owner)
    stored = [input_of(row) for row in visible_variables(request.actor, owner.variable_set)]
    after = joined(stored, from_text(form["text"], names), keeps_others=form["keeps_others"])
    return after, changes(stored, after)


def _names(request: PageRequest, owner: ValuesOwner) -> Names:
    choices = owner.surroundings(request).choices()
    return {name: unambiguous(values) for name, _, values in choices if name not in _FREE}


def _page(
    request: PageRequest,
    owner: ValuesOwner,
    form: dict[str, Any],
    problems: Problems = NO_PROBLEMS,
) -> HttpResponse:
    words = {
        dimension: {value.lower(): text for value, text in known.items()}
        for dimension, known in _names(request, owner).items()
    }
    found = form.get("changes", ())
    values = {
        **owner.frame(request),
        "keeps_others": False,
        **form,
        "changes": [
            (each, scope_words(each.scope, words), scope_words(each.old_scope or {}, words))
            for each in found[:_MOST_SHOWN]
        ],
        "more": max(len(found) - _MOST_SHOWN, 0),
        "counts": count_of(found),
        "version": request.POST.get("version") or owner.variable_set.version,
        "longest": LONGEST,
    }
    return show(request, "projects/variable_text.html", values, problems)
