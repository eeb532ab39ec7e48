"""Custom fields of releases and the channels that ask for them."""

from typing import Any

import pytest

from deployments.base.errors import Invalid
from deployments.projects.custom_fields import (
    FieldDefinition,
    InvalidFields,
    checked_fields,
    definitions_from_json,
)
from deployments.projects.models import Channel, Project
from deployments.releases.services import update_release
from tests.deployments.calls import S, send
from tests.factories import SYSTEM, make_ana
from tests.factories.domain import (
    make_channel,
    make_environment,
    make_lifecycle,
    make_project,
    make_release,
    script_step,
)
from tests.support.cases import case_name, cases
from tests.support.portal import Visitor, text_of


def long(text: str) -> str:
    """Return the text; "150 x" stands for 150 letters."""
    count, _, letter = text.partition(" ")
    return letter * int(count) if letter == "x" else text


@pytest.mark.parametrize("case", cases("releases", "custom_fields"), ids=case_name)
def test_fields(case: dict[str, Any]) -> None:
    asked = [FieldDefinition(name) for name in case["asked"]]
    given = {long(name): long(text) for name, text in case["given"].items()}
    if "errors" in case:
        with pytest.raises(InvalidFields) as caught:
            checked_fields(given, asked)
        assert list(caught.value.errors) == case["errors"]
    else:
        fields = {long(name): long(text) for name, text in case["fields"].items()}
        assert checked_fields(given, asked) == fields


@pytest.mark.parametrize(
    "entries",
    [
        ["Ticket"],
        [{"Description": "no name"}],
        [{"FieldName": "A"}, {"FieldName": "a"}],
        [{"FieldName": f"F{number}"} for number in range(11)],
        [{"FieldName": "x" * 151}],
    ],
)
def test_definitions_that_will_not_do(entries: list[Any]) -> None:
    with pytest.raises(InvalidFields):
        definitions_from_json(entries)


@pytest.fixture
def project(db: None) -> Project:
    lifecycle = make_lifecycle(make_environment("Dev"))
    return make_project("Web", lifecycle=lifecycle, steps=[script_step()])


@pytest.fixture
def stable(project: Project) -> Channel:
    asked = [{"FieldName": "Ticket", "Description": "Number of the change"}]
    return make_channel(project, "Stable", extra={"CustomFieldDefinitions": asked})


def test_definitions_stored_before_they_were_checked(project: Project, stable: Channel) -> None:
    stable.extra = {"CustomFieldDefinitions": ["Ticket", 7]}
    stable.save()
    assert make_release(project, channel=stable).custom_fields == {}
    answer = Visitor(make_ana()).get(f"projects/web/channels/{stable.public_id}")
    assert answer.status_code == 200


def test_a_channel_asks_for_fields(project: Project, stable: Channel) -> None:
    with pytest.raises(Invalid, match="asks for the custom field 'Ticket'"):
        make_release(project, channel=stable)
    release = make_release(project, "1.0.0", channel=stable, custom_fields={"ticket": "7"})
    assert release.custom_fields == {"Ticket": "7"}
    again = make_release(project, "1.0.0", channel=stable, ignore_if_exists=True)
    assert again.pk == release.pk
    other = make_release(project)
    with pytest.raises(Invalid, match="asks for the custom field"):
        update_release(actor=SYSTEM, release=other, channel=stable)


def test_over_rest(project: Project, stable: Channel) -> None:
    ana = make_ana()
    body = {"projectName": "web", "channelName": "Stable", "customFields": {"Ticket": "7"}}
    status, created = send(ana, "post", f"{S}/releases/create/v1", body)
    assert status == 201
    path = f"{S}/releases/{created['ReleaseId']}"
    _, release = send(ana, "get", path)
    assert release["CustomFields"] == {"Ticket": "7"}
    status, release = send(ana, "put", path, {**release, "CustomFields": {"Ticket": "8"}})
    assert (status, release["CustomFields"]) == (200, {"Ticket": "8"})
    status, answer = send(ana, "put", path, {**release, "CustomFields": {}})
    assert (status, answer["Errors"]) == (400, ["The channel asks for the custom field 'Ticket'."])
    path = f"{S}/channels/{stable.public_id}"
    _, channel = send(ana, "get", path)
    wrong = {**channel, "CustomFieldDefinitions": [{"FieldName": ""}]}
    assert send(ana, "put", path, wrong)[0] == 400


def test_on_the_pages(project: Project, stable: Channel) -> None:
    ana = Visitor(make_ana())
    create = "projects/web/releases/create"
    page = ana.get(create, {"channel": "stable"})
    assert "Number of the change" in text_of(page)
    sent = {"channel": "stable", "version": "1.0.0", "field:Ticket": ""}
    assert "asks for the custom field" in text_of(ana.post(create, sent))
    assert ana.post(create, {**sent, "field:Ticket": "7"}).status_code == 302
    assert "Ticket 7" in text_of(ana.get("projects/web/releases/1.0.0"))
    default = project.channels.get(is_default=True)
    edit = "projects/web/releases/1.0.0/edit"
    sent = {"version": "1.0.0", "field:Ticket": "7", "channel": default.public_id}
    assert ana.post(edit, sent).status_code == 302
    assert project.releases.get().channel == default
    sent = {"version": "1.0.0", "field:Ticket": "", "channel": stable.public_id}
    assert "asks for the custom field" in text_of(ana.post(edit, sent))
    assert ana.post(edit, {**sent, "field:Ticket": "7"}).status_code == 302
    assert project.releases.get().channel == stable
    assert ana.post(edit, {"version": "1.0.0", "field:Ticket": "8"}).status_code == 302
    assert project.releases.get().custom_fields == {"Ticket": "8"}
    assert "asks for" in text_of(ana.post(edit, {"version": "1.0.0", "field:Ticket": ""}))
