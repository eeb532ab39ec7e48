"""A library set is made, filled and included; the next release shows its value."""

import pytest
from playwright.sync_api import Page, expect

from tests.support.server import OctopusServer

pytestmark = pytest.mark.browser
SPACE = "/app/Spaces-1"
PROJECT = f"{SPACE}/projects/ledger"


def test_the_value_of_a_set_is_frozen_into_the_next_release(
    ana: Page, server: OctopusServer
) -> None:
    ana.goto(f"{server.url}{SPACE}/projects/library")
    ana.get_by_label("Name", exact=True).last.fill("Ledger accounts")
    ana.get_by_role("button", name="Create variable set").click()
    expect(ana.get_by_role("heading", level=1)).to_have_text("Ledger accounts")
    ana.get_by_role("link", name="Add variable").click()
    ana.get_by_label("Name", exact=True).fill("Account.Code")
    ana.get_by_label("Value", exact=True).fill("4711-0815")
    ana.get_by_role("button", name="Add value").click()
    expect(ana.get_by_role("row", name="Account.Code")).to_contain_text("4711-0815")

    ana.goto(f"{server.url}{PROJECT}/variables")
    ana.get_by_label("Set or module to include").select_option("Ledger accounts")
    ana.get_by_role("button", name="Include").click()
    expect(ana.get_by_role("row", name="Account.Code")).to_contain_text("Ledger accounts")

    ana.goto(f"{server.url}{PROJECT}/releases/create")
    ana.get_by_role("button", name="Create release").click()
    expect(ana.get_by_role("heading", level=1)).to_contain_text("Release 11.0.5")
    ana.get_by_role("link", name="Show the snapshots").click()
    frozen = ana.get_by_role("row", name="Account.Code")
    expect(frozen).to_contain_text("4711-0815")
    expect(frozen).to_contain_text("From the variable set Ledger accounts")

    # What changes in the set afterwards changes nothing in the release.
    ana.goto(f"{server.url}{PROJECT}/variables")
    ana.get_by_role("button", name="Take out Ledger accounts").click()
    expect(ana.get_by_role("row", name="Account.Code")).to_have_count(0)
    ana.goto(f"{server.url}{PROJECT}/releases/11.0.5/snapshot")
    expect(frozen).to_contain_text("4711-0815")
