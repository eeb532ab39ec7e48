"""Tag sets: the list, and one of them as a form of rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from deployments.access.permissions import Permission
from deployments.access.web.forms import NO_PROBLEMS, Problems, attempt, carry_out, go, show
from deployments.access.web.pages import PageRequest, find, page
from deployments.base.numbers import whole_number
from tenants.models import TagSet
from tenants.queries import tag_sets_of
from tenants.services import tag_sets as services
from tenants.services.tag_usage import Scope

LIST: Final = "tenants/tag-sets"
_FREE_ROWS: Final = 2
_SHORTEST: Final = 3
_MOST_DIGITS: Final = 6
_KINDS: Final = (
    (TagSet.Kind.MULTI_SELECT, "Any number of its tags"),
    (TagSet.Kind.SINGLE_SELECT, "One of its tags at most"),
)
_SCOPES: Final = ((Scope.TENANT, "Tenants"), (Scope.RUNBOOK, "Runbooks"))

T = TypeVar("T")


@dataclass
class TagForm:
    """A tag as a row of the form shows it."""

    id: str = ""
    name: str = ""
    color: str = services.DEFAULT_COLOR
    description: str = ""


@require_GET
@page(Permission.TenantView)
def tag_set_list(request: PageRequest) -> HttpResponse:
    """List the tag sets with their tags."""
    values = {
        "tag_sets": tag_sets_of(request.space),
        "may_create": request.grants.allows(Permission.TagSetCreate),
        "may_edit": request.grants.allows(Permission.TagSetEdit),
    }
    return show(request, "tenants/tag_sets.html", values)


@require_http_methods(["GET", "POST"])
@page(Permission.TagSetCreate)
def tag_set_new(request: PageRequest) -> HttpResponse:
    """Create a tag set."""
    if request.method == "GET":
        start = {"kind": TagSet.Kind.MULTI_SELECT, "scopes": [Scope.TENANT]}
        return _form(request, None, start, [])
    return _save(request, None)


@require_http_methods(["GET", "POST"])
@page(Permission.TagSetEdit)
def tag_set_edit(request: PageRequest, tag_set: str) -> HttpResponse:
    """Change a tag set and its tags."""
    row = find(request, TagSet, tag_set, Permission.TenantView)
    row.space = request.space
    if request.method == "POST":
        return _save(request, row)
    tags = [TagForm(str(t.pk), t.name, t.color, t.description) for t in row.tags.all()]
    values = {
        "name": row.name,
        "description": row.description,
        "kind": row.kind,
        "scopes": services.scopes_of(row),
    }
    return _form(request, row, values, tags)


@require_POST
@page(Permission.TagSetEdit)
def tag_set_move(request: PageRequest, tag_set: str) -> HttpResponse:
    """Move a tag set one place up or down, here and wherever tags are chosen."""
    row = find(request, TagSet, tag_set, Permission.TenantView)
    order = [each.public_id for each in tag_sets_of(request.space)]
    at = order.index(row.public_id)
    to = at - 1 if request.POST.get("way") == "up" else at + 1
    if 0 <= to < len(order):
        order[at], order[to] = order[to], order[at]
        services.sort_tag_sets(actor=request.actor, space=request.space, ids=order)
    return go(request, f"{LIST}#{row.public_id}")


@require_POST
@page(Permission.TagSetDelete)
def tag_set_delete(request: PageRequest, tag_set: str) -> HttpResponse:
    """Delete a tag set that nothing uses."""
    row = find(request, TagSet, tag_set, Permission.TenantView)
    return carry_out(
        request,
        lambda: services.delete_tag_set(actor=request.actor, row=row),
        f"The tag set {row.name} was deleted.",
        to=LIST,
        refused=f"{LIST}/{row.public_id}",
    )


def _save(request: PageRequest, stored: TagSet | None) -> HttpResponse:
    sent = request.POST
    tags = _sent_tags(sent)
    values: dict[str, Any] = {
        **{name: sent.get(name, "") for name in ("name", "description", "kind")},
        "scopes": sent.getlist("scopes"),
    }

    def save() -> TagSet:
        tag_set = services.TagSetInput(
            name=values["name"],
            description=values["description"],
            kind=values["kind"],
            scopes=values["scopes"],
            tags=[
                services.TagInput(
                    tag.name, tag.color, tag.description, int(tag.id) if tag.id else None
                )
                for tag in tags
            ],
        )
        if stored is None:
            return services.create_tag_set(
                actor=request.actor, space=request.space, tag_set=tag_set
            )
        row = find(request, TagSet, stored.public_id, Permission.TenantView)
        return services.update_tag_set(actor=request.actor, row=row, tag_set=tag_set)

    saved, problems = attempt(save)
    if saved is None:
        return _form(request, stored, values, tags, problems)
    messages.success(request, f"The tag set {saved.name} was saved.")
    if "more" in sent:
        return go(request, f"{LIST}/{saved.public_id}")
    return go(request, LIST)


def _sent_tags(sent: QueryDict) -> list[TagForm]:
    """Return the rows in their order, without those that are blank or to be removed."""
    names, colors = sent.getlist("tag-name"), sent.getlist("tag-color")
    notes, ids = sent.getlist("tag-description"), sent.getlist("tag-id")
    removed = set(sent.getlist("removed"))
    rows = list(zip(ids, names, colors, notes, strict=False))
    return [
        TagForm(number if number.isascii() and number.isdigit() else "", name, color, note)
        for number, name, color, note in in_order(rows, sent.getlist("tag-order"))
        if (name.strip() or number) and not (number and number in removed)
    ][: services.MOST_TAGS + 1]


def in_order(rows: Sequence[T], places: Sequence[str]) -> list[T]:
    """Return the rows by the places that were typed; a blank or wrong one leaves a row where it is.

    A row that was moved comes to stand at its place, before or behind the one that was there.
    """
    keys = []
    for at in range(1, len(rows) + 1):
        typed = whole_number(places[at - 1].strip(), _MOST_DIGITS) if at <= len(places) else None
        wanted = at if typed is None else typed
        keys.append((wanted, (wanted > at) - (wanted < at), at))
    return [row for _, row in sorted(zip(keys, rows, strict=True), key=lambda pair: pair[0])]


def _form(
    request: PageRequest,
    stored: TagSet | None,
    values: dict[str, Any],
    tags: list[TagForm],
    problems: Problems = NO_PROBLEMS,
) -> HttpResponse:
    free = max(_FREE_ROWS, _SHORTEST - len(tags))
    shown = {
        "tag_set": stored,
        "values": values,
        "tags": [*tags, *(TagForm() for _ in range(free))],
        "kinds": _KINDS,
        "scopes": _SCOPES,
        "may_delete": stored is not None and request.grants.allows(Permission.TagSetDelete),
    }
    return show(request, "tenants/tag_set.html", shown, problems)
