"""A project with thousands of variables in the browser: found, judged and edited in their rows."""

from typing import Final

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.support.server import OctopusServer

pytestmark = pytest.mark.browser
MANY: Final = 5_000
SPACE: Final = "/api/Spaces-1"


def make_project(server: OctopusServer) -> str:
    """Create a project whose names have two values each; every tenth is a secret."""
    group = server.call("GET", f"{SPACE}/projectgroups/all")[0]["Id"]
    lifecycle = server.call("GET", f"{SPACE}/lifecycles/all")[0]["Id"]
    body = {"Name": "Thousands", "ProjectGroupId": group, "LifecycleId": lifecycle}
    project: str = server.call("POST", f"{SPACE}/projects", body)["Id"]
    places = server.call("GET", f"{SPACE}/environments/all")
    production = next(place["Id"] for place in places if place["Name"] == "Production")
    variables = [
        {
            "Name": f"Service.{number // 2 // 10:03}.Setting{number // 2 % 10}",
            "Value": f"https://service-{number}.internal/#{{Octopus.Environment.Name}}",
            "Type": "Sensitive" if number % 10 == 9 else "String",
            "IsSensitive": number % 10 == 9,
            "Scope": {"Environment": [production]} if number % 2 else {},
        }
        for number in range(MANY)
    ]
    path = f"{SPACE}/projects/{project}/variables"
    server.call("PUT", path, {"Version": 0, "Variables": variables})
    return project


def test_five_thousand_values(ana: Page, server: OctopusServer) -> None:
    project = make_project(server)
    ana.goto(f"{server.url}/app/Spaces-1/projects/{project}/variables")
    expect(ana.get_by_text("2500 variables, 5000 values")).to_be_visible()
    groups = ana.locator(".table.variables tbody")
    expect(groups).to_have_count(50)
    violations = Axe().run(ana).response["violations"]
    assert [each["id"] for each in violations] == []

    ana.get_by_label("Name or value").fill("service.249.setting9")
    ana.get_by_role("button", name="Filter", exact=True).click()
    expect(groups).to_have_count(1)
    ana.get_by_label("Environment", exact=True).select_option("Production")
    expect(groups.locator(".value-lost")).to_have_count(1)
    expect(groups).to_contain_text("Wins: environment")

    ana.get_by_role("link", name="https://service-4998.internal").click()
    value = ana.get_by_label("Value", exact=True)
    expect(value).to_be_focused()
    value.fill("elsewhere")
    ana.get_by_role("button", name="Save value").click()
    expect(groups.locator(".value-lost")).to_have_text("elsewhere")
    expect(groups).to_have_count(1)
    groups.get_by_label("More for Service.249.Setting9, value 1").click()
    ana.get_by_role("link", name="Add another value").click()
    ana.get_by_label("Value", exact=True).fill("for the tests")
    ana.locator("#variable-form").get_by_label("Test", exact=True).check()
    ana.get_by_role("button", name="Add value").click()
    expect(groups.locator("tr")).to_have_count(3)
    expect(groups).to_contain_text("Other environment")
    assert "q=service.249.setting9" in ana.url

    # On a narrow screen the table scrolls sideways, and the form stands still.
    ana.set_viewport_size({"width": 390, "height": 800})
    ana.get_by_role("link", name="elsewhere , edit").click()
    for each in (
        ana.get_by_label("Value", exact=True),
        ana.get_by_role("button", name="Save value"),
    ):
        box = each.bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 390
    assert Axe().run(ana).violations_count == 0
