"""The pages and the REST API of the archive, for each of the four people."""

from datetime import timedelta
from typing import Any

import pytest

from deployments.audit.models import EventArchive
from deployments.audit.services.archiving import archive_days
from deployments.audit.services.keeping import check_archive, set_retention_days
from deployments.audit.settings import retention_days
from tests.deployments.calls import send
from tests.factories import SYSTEM, default_space, make_ana, make_ben, make_cleo, make_dan
from tests.factories import make_space as new_space
from tests.factories.execution import SettableClock
from tests.support.portal import Visitor, text_of

pytestmark = pytest.mark.django_db
PAGE = "administration/audit/archives"


def archived() -> EventArchive:
    set_retention_days(actor=SYSTEM, days=90)
    clock = SettableClock()
    clock.now += timedelta(days=2)
    archive_days(clock=clock)
    row = EventArchive.objects.first()
    assert row is not None
    return row


def test_files_are_listed_read_and_checked() -> None:
    ana = Visitor(make_ana())
    assert "No file yet" in text_of(ana.get(PAGE))
    row = archived()
    assert row.file_name in text_of(ana.get(PAGE))
    body = b"".join(ana.get(f"{PAGE}/{row.public_id}").streaming_content)
    assert body.count(b"\n") == row.count + 1
    assert ana.post(f"{PAGE}/check").status_code == 302
    assert "The check is going on" in text_of(ana.get(PAGE))
    # The rows of the migrations may be of an earlier day than those of the test.
    count = EventArchive.objects.count()
    check_archive()
    assert EventArchive.objects.count() == count
    files = "1 file was" if count == 1 else f"{count} files were"
    assert f"Intact: {files} read, with" in text_of(ana.get(PAGE))
    refused = ana.post(f"{PAGE}/{row.public_id}/delete")
    assert refused.status_code == 302
    assert "30 days old" in text_of(ana.get(PAGE))


def test_the_retention_is_changed_on_the_page() -> None:
    ana = Visitor(make_ana())
    assert ana.post(PAGE, {"days": "30"}).status_code == 302
    assert retention_days() == 30
    wrong = ana.post(PAGE, {"days": "forever"})
    assert wrong.status_code == 400
    assert "A number of days from 1 to 3650" in text_of(wrong)


def test_rest() -> None:
    ana, row = make_ana(), archived()
    status, answer = send(ana, "get", "/api/events/archives")
    assert status == 200
    assert answer["Items"][0]["FileName"] == row.file_name
    assert answer["Items"][0]["EventCount"] == row.count
    file: Any = ana.api.get(f"/api/events/archives/{row.public_id}")
    assert b"".join(file.streaming_content).startswith(b'{"File":')
    assert send(ana, "delete", f"/api/events/archives/{row.public_id}")[0] == 400
    assert send(ana, "get", "/api/events/archives/EventArchives-999999999")[0] == 404


def test_only_those_who_may_see_the_files_do() -> None:
    row, space = archived(), default_space()
    for person in (make_ben(space), make_cleo(space), make_dan(new_space())):
        visitor = Visitor(person)
        for path in (PAGE, f"{PAGE}/{row.public_id}"):
            assert visitor.get(path).status_code in {403, 404}
        assert send(person, "get", f"/api/events/archives/{row.public_id}")[0] in {403, 404}
        status, answer = send(person, "get", "/api/events/archives")
        assert status == 403 or not answer["Items"]
