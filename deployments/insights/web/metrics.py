"""The page of metrics: how often, how fast and how well releases are deployed."""

import csv
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from django.http import HttpResponse
from django.views.decorators.http import require_GET

from deployments.access.permissions import Permission
from deployments.access.web.forms import choices_of, filters_of, show
from deployments.access.web.pages import PageRequest, find, page
from deployments.base.clock import utc_now
from deployments.base.templatetags.portal import duration
from deployments.infrastructure.models import Environment
from deployments.insights.measuring import Chosen, Report, report
from deployments.insights.metrics import Metrics
from deployments.projects.models import Project, ProjectGroup

_PERIODS: Final = (("30", "30 days"), ("90", "90 days"), ("365", "A year"))


@dataclass(frozen=True, slots=True)
class Tile:
    """One number with that of the period before. `verdict` is better, worse or empty."""

    title: str
    value: str
    before: str
    verdict: str
    help: str


@require_GET
@page(Permission.DeploymentView)
def metrics_page(request: PageRequest) -> HttpResponse:
    """Show the metrics of what is chosen, beside those of the period before."""
    wanted = request.GET.get("days", "30")
    days = wanted if wanted in dict(_PERIODS) else "30"
    found = report(
        request.actor,
        request.space,
        _chosen(request),
        period=timedelta(days=int(days)),
        until=utc_now(),
    )
    if request.GET.get("format") == "csv":
        return _csv(found)
    most = max((succeeded + failed for _, succeeded, failed in found.weeks), default=0)
    seen = (request.actor, request.space)
    values: dict[str, Any] = {
        "periods": _PERIODS,
        "days": days,
        "tiles": _tiles(found, int(days)),
        "weeks": [(*week, week[1] + week[2]) for week in reversed(found.weeks)],
        "most": most,
        "metrics": found.now,
        "filters": filters_of(request),
        "projects": choices_of(Project.objects.visible_to(*seen, Permission.ProjectView)),
        "groups": choices_of(ProjectGroup.objects.visible_to(*seen, Permission.ProjectGroupView)),
        "environments": choices_of(
            Environment.objects.visible_to(*seen, Permission.EnvironmentView)
        ),
    }
    return show(request, "insights/metrics.html", values)


def _chosen(request: PageRequest) -> Chosen:
    def number(name: str, model: Any, permission: Permission) -> int:
        text = request.GET.get(name, "")
        return int(find(request, model, text, permission).pk) if text else 0

    return Chosen(
        project=number("project", Project, Permission.ProjectView),
        group=number("group", ProjectGroup, Permission.ProjectGroupView),
        environment=number("environment", Environment, Permission.EnvironmentView),
    )


def _tiles(found: Report, days: int) -> list[Tile]:
    now, before = found.now, found.before
    return [
        Tile(
            "Deployment frequency",
            f"{now.succeeded / days * 7:.3g} a week",
            f"{before.succeeded / days * 7:.3g} a week",
            _verdict(now.succeeded, before.succeeded or None, more_is_better=True),
            f"{now.succeeded} successful deployments",
        ),
        Tile(
            "Lead time",
            duration(now.lead_time) or "–",
            duration(before.lead_time) or "–",
            _verdict(now.lead_time, before.lead_time),
            "From the oldest release whose changes came along to the end of the deployment",
        ),
        Tile(
            "Change failure rate",
            _percent(now),
            _percent(before),
            _verdict(now.failure_rate, before.failure_rate),
            f"{now.failed} failed or needed guidance",
        ),
        Tile(
            "Time to recover",
            duration(now.time_to_recover) or "–",
            duration(before.time_to_recover) or "–",
            _verdict(now.time_to_recover, before.time_to_recover),
            "From the first failure to the next success in the same environment",
        ),
    ]


def _percent(metrics: Metrics) -> str:
    return "–" if metrics.failure_rate is None else f"{metrics.failure_rate:.3g} %"


def _verdict(now: Any, before: Any, *, more_is_better: bool = False) -> str:
    if now is None or before is None or now == before:
        return ""
    return "better" if (now > before) is more_is_better else "worse"


def _csv(found: Report) -> HttpResponse:
    answer = HttpResponse(content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = 'attachment; filename="deployments-by-week.csv"'
    writer = csv.writer(answer)
    writer.writerow(["Week", "Succeeded", "Failed"])
    writer.writerows((day.isoformat(), succeeded, failed) for day, succeeded, failed in found.weeks)
    return answer
