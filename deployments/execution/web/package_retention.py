"""Administration: how long packages that nothing uses stay, and which would go."""

from itertools import islice
from typing import Any, Final

from django.contrib import messages
from django.http import HttpResponse
from django.views.decorators.http import require_POST

from deployments.access.permissions import Permission
from deployments.access.web.forms import attempt, go
from deployments.access.web.pages import PageRequest, page
from deployments.base.clock import utc_now
from deployments.base.models import Space
from deployments.base.numbers import whole_number
from deployments.execution.web.retention_tabs import tabs
from deployments.releases.retention.package_facts import judged_packages, policy_of_packages
from deployments.releases.retention.package_use import PackageUse
from packages_feed.models import PackageVersion
from packages_feed.queries import built_in_feed
from packages_feed.services.feeds import MOST_DAYS, change_built_in_feed

PATH: Final = "administration/retention"
# More than these are judged by a dry run, not while somebody waits for a page.
_MOST_JUDGED: Final = 2000
_MOST_DIGITS: Final = 6


@require_POST
@page(Permission.FeedEdit)
def package_retention(request: PageRequest) -> HttpResponse:
    """Say how many days packages that nothing uses stay."""
    feed = built_in_feed(request.space)
    days = None
    if request.POST.get("keep") == "days":
        days = whole_number(request.POST.get("days", "").strip(), _MOST_DIGITS) or 0
    saved, _ = attempt(
        lambda: change_built_in_feed(
            actor=request.actor, feed=feed, name=feed.name, unused_days=days
        )
    )
    if saved is None:
        messages.error(request, f"Unused packages stay from 1 to {MOST_DAYS} days, or for ever.")
    else:
        messages.success(request, "The retention of packages was saved.")
    return go(request, PATH)


def package_form(request: PageRequest) -> dict[str, Any]:
    """Return what the form needs."""
    return {
        "unused_days": built_in_feed(request.space).unused_days,
        "may_edit_feed": request.grants.allows(Permission.FeedEdit),
    }


def judged_on_page(request: PageRequest, space: Space) -> dict[str, Any]:
    """Return what becomes of the packages whose id contains what was searched for."""
    text = request.GET.get("q", "").strip().lower()
    rows = PackageVersion.objects.visible_to(request.actor, space, Permission.FeedView)
    if text:
        rows = rows.filter(id_lower__contains=text)
    verdicts = judged_packages(rows, PackageUse(space), policy_of_packages(space), utc_now())
    found = list(islice(verdicts, _MOST_JUDGED + 1))
    return {
        **tabs(request, found[:_MOST_JUDGED], "packages"),
        "text": request.GET.get("q", ""),
        "most_judged": _MOST_JUDGED if len(found) > _MOST_JUDGED else 0,
    }
