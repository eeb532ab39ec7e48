"""A schedule across changes of clocks: its next runs are seen before and after it is saved."""

from datetime import date, timedelta

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.support.server import OctopusServer

pytestmark = pytest.mark.browser
_TRIGGERS = "/app/Spaces-1/projects/storefront-web/triggers"
_SHOWN = 5
_WEEK = timedelta(days=7)


def test_a_schedule_shows_its_runs_across_changes_of_clocks(
    ana: Page, server: OctopusServer
) -> None:
    # Five Sundays of one month always include the last one, on which clocks in Berlin change.
    ana.goto(f"{server.url}{_TRIGGERS}/new?kind=schedule")
    ana.get_by_label("Name", exact=True).fill("Sundays before dawn")
    ana.get_by_label("Repeats", exact=True).select_option("CronExpressionSchedule")
    ana.get_by_label("Time zone", exact=True).fill("Europe/Berlin")
    ana.get_by_label("Destination", exact=True).select_option(label="Staging")
    ana.get_by_label("Cron expression").fill("30 2 * 3 Sun")
    ana.get_by_role("button", name="Show the next runs").click()
    runs = ana.get_by_role("status").filter(has_text="Next runs").get_by_role("listitem")
    told = _runs(runs)
    assert any(map(_is_last_of_month, told))
    for day, times in told.items():
        assert times == ("03:00 01:00 UTC" if _is_last_of_month(day) else "02:30 01:30 UTC")

    ana.get_by_label("Cron expression").fill("30 2 * 10 Sun")
    ana.get_by_role("button", name="Show the next runs").click()
    expect(runs.first).to_contain_text("-10-")
    told = _runs(runs)
    assert any(map(_is_last_of_month, told))
    # The clock shows 02:30 twice on the last one; it runs the first time, and once.
    assert set(told.values()) == {"02:30 00:30 UTC"}

    ana.get_by_role("button", name="Create trigger").click()
    expect(ana.get_by_role("heading", level=1)).to_have_text("Sundays before dawn")
    assert _runs(ana.get_by_role("region", name="Next runs").get_by_role("listitem")) == told
    ana.get_by_role("button", name="Delete", exact=True).click()
    ana.get_by_role("dialog").get_by_role("button", name="Delete trigger").click()
    expect(ana.get_by_text("Sundays before dawn", exact=True)).to_have_count(0)


def _runs(rows: Locator) -> dict[date, str]:
    """Return the times there and in UTC, by the days there; each day once."""
    expect(rows).to_have_count(_SHOWN)
    told = dict(" ".join(text.split()).split(" ", 2)[1:] for text in rows.all_inner_texts())
    assert len(told) == _SHOWN
    return {date.fromisoformat(day): times for day, times in told.items()}


def _is_last_of_month(day: date) -> bool:
    return (day + _WEEK).month != day.month
