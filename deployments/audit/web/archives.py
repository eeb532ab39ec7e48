"""The archive of events: its files, how long events stay beside it, and whether it is intact."""

from django.contrib import messages
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from deployments.access.permissions import Permission
from deployments.access.web.forms import (
    NO_PROBLEMS,
    Problems,
    carry_out,
    go,
    page_of,
    refusal,
    show,
)
from deployments.access.web.pages import PageRequest, page
from deployments.audit.archives.sending import archive_file
from deployments.audit.models import EventArchive
from deployments.audit.queries import archives_visible_to
from deployments.audit.services.keeping import (
    ask_for_check,
    delete_archive,
    last_check,
    set_retention_days,
)
from deployments.audit.settings import LEAST_ARCHIVE_DAYS, retention_days
from deployments.base import public_ids
from deployments.base.errors import NotFound
from deployments.base.numbers import whole_number

_PATH = "administration/audit/archives"


@require_http_methods(["GET", "POST"])
@page(Permission.EventRetentionView)
def archive_list(request: PageRequest) -> HttpResponse:
    """List the files; a POST changes how long events stay in the database."""
    request.grants.require_system(Permission.EventRetentionView)
    if request.method == "GET":
        return _page(request, str(retention_days()))
    text = request.POST.get("days", "").strip()
    problems = refusal(
        lambda: set_retention_days(actor=request.actor, days=whole_number(text, digits=5))
    )
    if problems:
        return _page(request, text, problems)
    messages.success(request, "The retention of events was saved.")
    return go(request, _PATH)


@require_POST
@page(Permission.EventRetentionView)
def archive_check(request: PageRequest) -> HttpResponse:
    """Have the whole archive read."""
    request.grants.require_system(Permission.EventRetentionView)
    ask_for_check()
    return go(request, _PATH)


@require_GET
@page(Permission.EventRetentionView)
def archive_download(request: PageRequest, archive: str) -> HttpResponseBase:
    """Download a file."""
    return archive_file(request, _find(request, archive))


@require_POST
@page(Permission.EventRetentionDelete)
def archive_delete(request: PageRequest, archive: str) -> HttpResponse:
    """Delete a file that is old enough."""
    row = _find(request, archive)
    return carry_out(
        request,
        lambda: delete_archive(actor=request.actor, archive=row),
        f"{row.file_name} was deleted.",
        to=_PATH,
    )


def _find(request: PageRequest, text: str) -> EventArchive:
    number = public_ids.require(EventArchive.id_prefix, text)
    row = archives_visible_to(request.actor).filter(pk=number).first()
    if row is None:
        raise NotFound
    return row


def _page(request: PageRequest, days: str, problems: Problems = NO_PROBLEMS) -> HttpResponse:
    values = {
        "page": page_of(request, archives_visible_to(request.actor)),
        "days": days,
        "check": last_check(),
        "least_days": LEAST_ARCHIVE_DAYS,
        "may_change": request.grants.allows_system(Permission.ConfigureServer),
        "may_delete": request.grants.allows_system(Permission.EventRetentionDelete),
    }
    return show(request, "audit/archives.html", values, problems)
