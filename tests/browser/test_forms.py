"""What scripts add to forms: progress, waiting, guards, fields that come and go."""

import os
import zipfile
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Dialog, Page, Route, expect

from tests.support.server import API_KEY, PASSWORD, USERNAME, OctopusServer

pytestmark = pytest.mark.browser
SPACE = "/app/Spaces-1"
WEB = f"{SPACE}/projects/storefront-web"


def test_signing_in_leads_to_where_one_wanted_to_go(page: Page, server: OctopusServer) -> None:
    page.goto(f"{server.url}{SPACE}/packages")
    expect(page).to_have_title("Sign in · Octopus")
    assert Axe().run(page).violations_count == 0
    page.get_by_label("User name").fill(USERNAME)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Packages", exact=True)).to_be_visible()


def test_an_upload_shows_its_end_or_why_not(
    ana: Page, server: OctopusServer, tmp_path: Path
) -> None:
    good, bad = tmp_path / "Acme.Docs.1.0.0.zip", tmp_path / "nonsense.zip"
    doubtful = tmp_path / "acme-docs-1.2.zip"
    for path in (good, doubtful):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("hello.txt", path.name)
    bad.write_bytes(b"nothing")
    ana.goto(f"{server.url}{SPACE}/packages/upload")
    ana.get_by_label("Files").set_input_files([bad, doubtful, good])
    expect(ana.get_by_text("does not split into an id and a version")).to_be_visible()
    doubt = "The name reads as version 2 of acme-docs-1. If that is not meant, call the file acme-"
    expect(ana.get_by_text(doubt)).to_be_visible()
    expect(ana.get_by_role("link", name="Acme.Docs 1.0.0")).to_be_visible()
    assert Axe().run(ana).violations_count == 0
    ana.get_by_role("button", name="It is version 2 of acme-docs-1").click()
    expect(ana.get_by_role("link", name="acme-docs-1 2")).to_be_visible()
    ana.get_by_role("link", name="Acme.Docs 1.0.0").click()
    expect(ana.get_by_role("heading", name="Acme.Docs 1.0.0")).to_be_visible()


def test_an_upload_goes_on_after_a_broken_line_and_a_closed_page(
    ana: Page, server: OctopusServer, tmp_path: Path
) -> None:
    large = tmp_path / "Acme.Large.1.0.0.zip"
    with zipfile.ZipFile(large, "w") as archive:
        archive.writestr("large.bin", os.urandom(20_000_000))
    begins: list[str] = []
    is_broken = {16_777_216: 2}

    def through(route: Route) -> None:
        told = route.request.headers.get("content-range", "")
        begin = int(told.removeprefix("bytes ").partition("-")[0]) if told else -1
        if told:
            begins.append(str(begin))
        if is_broken.get(begin, 0):
            is_broken[begin] -= 1
            route.abort("connectionreset")
        else:
            route.continue_()

    ana.route("**/packages/uploads/**", through)
    ana.goto(f"{server.url}{SPACE}/packages/upload")
    ana.get_by_label("Files").set_input_files(large)
    expect(ana.get_by_text("The line is broken.")).to_be_visible(timeout=30_000)
    ana.on("dialog", lambda dialog: dialog.accept())
    ana.reload()
    ana.get_by_label("Files").set_input_files(large)
    expect(ana.get_by_role("link", name="Acme.Large 1.0.0")).to_be_visible(timeout=60_000)
    assert begins == ["0", "8388608", "16777216", "16777216", "16777216"]


def test_the_page_learns_that_the_agent_has_registered(ana: Page, server: OctopusServer) -> None:
    ana.goto(f"{server.url}{SPACE}/infrastructure/targets/add")
    ana.get_by_label("Staging").check()
    ana.get_by_label("Target tags").fill("web")
    ana.get_by_role("button", name="Show the install command").click()
    command = ana.locator(".copy-block code").inner_text()
    expect(ana.get_by_text("Waiting for the agent")).to_be_visible()
    token = command.partition("TENTACLE_TOKEN=")[2].partition(" ")[0]
    server.call(
        "POST",
        "/agent/v1/register",
        {"name": "new-01"},
        headers={"Authorization": f"Bearer {token}", "X-Octopus-ApiKey": ""},
    )
    expect(ana.get_by_role("link", name="Go to new-01")).to_be_visible()
    assert API_KEY not in ana.content()


def test_fields_of_a_step_follow_the_choices(ana: Page, server: OctopusServer) -> None:
    ana.goto(f"{server.url}{WEB}/process?type=Octopus.Script")
    expect(ana.get_by_label("Script", exact=True)).to_be_visible()
    expect(ana.get_by_label("File in the package")).to_be_hidden()
    ana.get_by_label("Script source").select_option("Package")
    expect(ana.get_by_label("Script", exact=True)).to_be_hidden()
    expect(ana.get_by_label("File in the package")).to_be_visible()


def test_leaving_an_edited_step_is_asked_about(ana: Page, server: OctopusServer) -> None:
    asked: list[str] = []

    def keep(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.accept()

    ana.on("dialog", keep)
    ana.goto(f"{server.url}{WEB}/process?type=Octopus.Script")
    ana.get_by_label("Name", exact=True).click()
    ana.keyboard.type("Mine")
    ana.get_by_role("link", name="Cancel").click()
    ana.wait_for_url("**/process")
    assert asked == ["beforeunload"]


def test_removing_a_step_asks_first(ana: Page, server: OctopusServer) -> None:
    ana.goto(f"{server.url}{WEB}/process")
    steps = ana.locator("li.step").count()
    ana.locator("summary[aria-label^='More for']").first.click()
    ana.get_by_role("button", name="Remove").first.click()
    ana.get_by_role("button", name="Keep").click()
    assert ana.locator("li.step").count() == steps
    ana.locator("summary[aria-label^='More for']").first.click()
    ana.locator(".menu[open] .danger").click()
    ana.get_by_role("button", name="Remove step").click()
    expect(ana.get_by_text("The step was removed.")).to_be_visible()
    assert ana.locator("li.step").count() == steps - 1


def test_the_search_does_what_is_typed(ana: Page, server: OctopusServer) -> None:
    ana.goto(f"{server.url}{SPACE}/search")
    field = ana.get_by_role("searchbox")
    field.fill("go to storefront web variables")
    expect(ana.get_by_role("link", name="Go to Variables of Storefront Web")).to_be_visible()
    field.press("ArrowDown")
    expect(ana.locator("#hits a").first).to_be_focused()
    ana.keyboard.press("ArrowUp")
    expect(field).to_be_focused()
    field.press("Enter")
    expect(ana).to_have_url(f"{server.url}{WEB}/variables")


def test_an_editor_completes_names_and_says_what_is_wrong(ana: Page, server: OctopusServer) -> None:
    ana.goto(f"{server.url}{WEB}/process?type=Octopus.Script")
    script = ana.get_by_label("Script", exact=True)
    script.press_sequentially("echo #{octopus.env")
    expect(ana.get_by_role("option", name="Octopus.Environment.Id")).to_be_visible()
    script.press("ArrowDown")
    script.press("Enter")
    expect(script).to_have_value("echo #{Octopus.Environment.Name}")
    expect(ana.get_by_role("listbox")).to_be_hidden()
    script.press_sequentially(" #{Prot}")
    expect(ana.get_by_text("No variable is named Prot.")).to_be_visible()


def test_a_value_completes_names_and_filters(ana: Page, server: OctopusServer) -> None:
    ana.goto(f"{server.url}{WEB}/variables?add=")
    value = ana.get_by_label("Value", exact=True)
    value.press_sequentially("#{mail.h")
    expect(ana.get_by_role("option", name="Mail.Host")).to_be_visible()
    value.press("Enter")
    expect(value).to_have_value("#{Mail.Host}")
    value.press("ArrowLeft")
    value.press_sequentially(" | tol")
    expect(ana.get_by_role("listbox", name="Filters")).to_be_visible()
    value.press("Tab")
    # The caret stays before the brace, where options of the filter would stand.
    value.press_sequentially(" | Trim")
    expect(value).to_have_value("#{Mail.Host | ToLower | Trim}")
    value.press("End")
    value.press_sequentially(" #{Prot}")
    expect(ana.get_by_text("No variable is named Prot.")).to_be_visible()
    ana.get_by_label("Try expressions in an environment").select_option("Production")
    expect(ana.locator(".template-tried")).to_contain_text("mail.internal #{Prot}")
    value.fill("")
    ana.goto(f"{server.url}{WEB}/variables")


def test_a_step_suggests_what_the_search_of_its_feed_finds(
    ana: Page, server: OctopusServer
) -> None:
    fields = {"Name": "Maven", "FeedType": "Maven", "FeedUri": "https://maven.example.com"}
    feed = server.call("POST", "/api/Spaces-1/feeds", fields)
    asked: list[str] = []

    def answer(route: Route) -> None:
        asked.append(route.request.url)
        route.fulfill(json={"Items": [{"Id": "com.acme:web"}]})

    ana.route("**/packages/search?*", answer)
    ana.goto(f"{server.url}{WEB}/process?type=Octopus.TentaclePackage")
    found = ana.locator("#known-packages option[value='com.acme:web']")
    ana.locator("input[list=known-packages]").fill("acme")
    ana.locator("#feed").select_option(feed["Id"])
    expect(found).to_have_count(1)
    assert [f"/feeds/{feed['Id']}/packages/search?term=acme" in each for each in asked] == [True]
    ana.locator("#feed").select_option(index=0)
    expect(found).to_have_count(0)
    ana.unroute("**/packages/search?*")
    server.call("DELETE", f"/api/Spaces-1/feeds/{feed['Id']}")


def test_a_value_is_edited_in_its_row(ana: Page, server: OctopusServer) -> None:
    ana.goto(f"{server.url}{WEB}/variables?environment=Environments-4")
    ana.get_by_role("link", name="true , edit").click()
    value = ana.get_by_label("Value", exact=True)
    expect(value).to_be_focused()
    expect(ana.locator(".row-form")).to_have_count(1)
    expect(ana.get_by_label("Secret value")).to_be_hidden()
    value.fill("#{Mail.H")
    value.press_sequentially("o")
    expect(ana.get_by_role("option", name="Mail.Host")).to_be_visible()
    value.press("Enter")
    expect(value).to_have_value("#{Mail.Host}")
    ana.get_by_role("button", name="Save value").click()
    expect(ana.get_by_role("link", name="#{Mail.Host} , edit")).to_be_visible()
    expect(ana.locator("#announce")).to_have_text("Feature.NewBasket was saved.")
    expect(ana.locator(".row-form")).to_have_count(0)
    # Another one that is opened closes the first, after a question when something was typed.
    ana.get_by_role("link", name="#{Mail.Host} , edit").click()
    value.fill("true")
    asked: list[str] = []

    def refuse(dialog: Dialog) -> None:
        asked.append(dialog.message)
        dialog.dismiss()

    ana.once("dialog", refuse)
    ana.get_by_role("link", name="120 , edit").click()
    assert [text[:9] for text in asked] == ["The value"]
    ana.get_by_role("button", name="Save value").click()
    expect(ana.get_by_role("link", name="true , edit")).to_be_visible()
    ana.get_by_role("link", name="120 , edit").click()
    ana.locator("#variable-form").get_by_label("Type", exact=True).select_option("Worker pool")
    expect(value).to_be_hidden()
    expect(ana.get_by_label("Worker pool", exact=True)).to_be_visible()
    ana.get_by_role("link", name="Cancel").click()
    expect(ana.locator(".row-form")).to_have_count(0)
    assert "edit=" not in ana.url


def test_a_step_is_moved_by_keys_and_keeps_the_focus(ana: Page, server: OctopusServer) -> None:
    ana.goto(f"{server.url}{WEB}/process")
    steps = ana.locator(".process .step-name")
    second = steps.nth(1).inner_text()
    steps.nth(1).focus()
    ana.keyboard.press("Alt+ArrowUp")
    expect(steps.first).to_have_text(second)
    expect(steps.first).to_be_focused()
    ana.keyboard.press("Alt+ArrowUp")
    ana.keyboard.press("Alt+ArrowDown")
    expect(steps.nth(1)).to_have_text(second)
    expect(steps.nth(1)).to_be_focused()
