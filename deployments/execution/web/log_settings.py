"""Administration: the settings of task logs."""

from collections.abc import Mapping

from django.contrib import messages
from django.http import HttpResponse
from django.views.decorators.http import require_http_methods

from deployments.access.permissions import Permission
from deployments.access.web.forms import NO_PROBLEMS, Problems, attempt, go, show
from deployments.access.web.pages import PageRequest, page
from deployments.base.numbers import whole_number
from deployments.execution.queries import count_archived_logs
from deployments.execution.services.logs.settings import (
    LogSettings,
    log_settings,
    save_log_settings,
)

PATH = "administration/logs"


@require_http_methods(["GET", "POST"])
@page(Permission.ConfigureServer)
def log_settings_page(request: PageRequest) -> HttpResponse:
    """Show and change when logs are archived and how much a script may print."""
    request.grants.require_system(Permission.ConfigureServer)
    stored = log_settings()
    if request.method == "GET":
        sent = {"days": stored.archive_after_days, "output": stored.largest_output_mib}
        return _page(request, sent)
    days, output = (request.POST.get(name, "").strip() for name in ("days", "output"))
    saved, problems = attempt(
        lambda: save_log_settings(
            actor=request.actor, settings=LogSettings(_number(days), _number(output))
        )
    )
    if saved is None:
        return _page(request, {"days": days, "output": output}, problems)
    messages.success(request, "The settings of logs were saved.")
    return go(request, PATH)


def _number(text: str) -> int:
    number = whole_number(text)
    return -1 if number is None else number


def _page(
    request: PageRequest, sent: Mapping[str, int | str], problems: Problems = NO_PROBLEMS
) -> HttpResponse:
    count, size = count_archived_logs()
    values = {"sent": sent, "archived": count, "archived_size": size}
    return show(request, "execution/log_settings.html", values, problems)
