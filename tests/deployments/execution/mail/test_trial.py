"""The task TestEmail: asked for by REST, sent once over a real SMTP server."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest

from deployments.access.services import save_mail_settings
from deployments.execution.logs.queries import task_lines
from deployments.execution.services.mail.trial import send_queued_mail
from deployments.server_tasks.models import ServerTask
from deployments.server_tasks.services import cancel_task, schedule
from tests.deployments.execution.smtp_server import Mailbox, smtp_server
from tests.factories import SYSTEM, Person, default_space, give_role, make_ana, make_cleo, make_user
from tests.factories.execution import NODE, SettableClock
from tests.factories.people import as_person

pytestmark = pytest.mark.django_db

ADDRESS = "ana@example.org"


def ask(person: Person, arguments: Any) -> tuple[int, Any]:
    body = {"Name": "TestEmail", "Arguments": arguments}
    sent = json.dumps(body)
    answer = person.api.post("/api/Spaces-1/tasks", sent, content_type="application/json")
    return answer.status_code, answer.json()


@contextmanager
def mail_server(*refused: str) -> Iterator[Mailbox]:
    """Run a mail server that the settings name."""
    with smtp_server(frozenset(refused)) as mailbox:
        save_mail_settings(
            actor=SYSTEM, host="127.0.0.1", port=mailbox.port, sender="o@example.org"
        )
        yield mailbox


def queued(person: Person) -> ServerTask:
    status, body = ask(person, {"EmailAddress": f" {ADDRESS} "})
    assert status == 201
    assert (body["Name"], body["State"]) == ("TestEmail", "Queued")
    assert body["Description"] == f"Send a test mail to {ADDRESS}"
    return now(body["Id"])


def now(public_id: str) -> ServerTask:
    number = int(public_id.rpartition("-")[2])
    return ServerTask.objects.in_space(default_space()).get(pk=number)


def log_of(task: ServerTask) -> str:
    task.space = default_space()
    return "\n".join(line.text for line in task_lines(task))


def test_the_mail_is_sent_and_the_log_says_so() -> None:
    with mail_server() as mailbox:
        ana = make_ana()
        task = queued(ana)
        started: list[tuple[str, int]] = []
        schedule(node_name=NODE, hand_over=lambda *what: started.append(what))
        assert started == [("execution.send_test_mail", task.pk)]
        send_queued_mail(task.pk)
        send_queued_mail(task.pk)
        assert [to for to, _ in mailbox.mails] == [ADDRESS]
        text = mailbox.mails[0][1].get_payload()
    assert f"{ana.user.username} has tried the mail settings" in str(text)
    task = now(task.public_id)
    assert task.state == "Success"
    assert ADDRESS in log_of(task)


def test_the_task_says_what_failed() -> None:
    with mail_server(ADDRESS) as mailbox:
        task = queued(make_ana())
        schedule(node_name=NODE)
        send_queued_mail(task.pk)
        assert mailbox.mails == []
    task = now(task.public_id)
    assert task.state == "Failed"
    assert "The mail was not sent: The mail server answered 550 no such user" in task.error_message
    assert "550 no such user" in log_of(task)


def test_without_a_mail_server_the_task_says_where_to_set_one_up() -> None:
    task = queued(make_ana())
    schedule(node_name=NODE)
    send_queued_mail(task.pk)
    assert "no SMTP server is set up" in now(task.public_id).error_message


def test_a_mail_whose_process_died_is_not_sent_again() -> None:
    clock = SettableClock()
    with mail_server() as mailbox:
        task = queued(make_ana())
        schedule(node_name=NODE, clock=clock)
        kept = {**task.arguments, "Began": clock().isoformat()}
        ServerTask.objects.in_space(default_space()).filter(pk=task.pk).update(arguments=kept)
        clock.forward(60)
        send_queued_mail(task.pk, clock=clock)
        assert now(task.public_id).state == "Executing"
        clock.forward(timedelta(minutes=3).total_seconds())
        send_queued_mail(task.pk, clock=clock)
        assert mailbox.mails == []
    assert now(task.public_id).state == "Failed"
    assert "it may have arrived" in now(task.public_id).error_message


def test_a_canceled_one_sends_nothing() -> None:
    with mail_server() as mailbox:
        ana = make_ana()
        task = queued(ana)
        schedule(node_name=NODE)
        cancel_task(actor=ana.actor, task=now(task.public_id))
        send_queued_mail(task.pk)
        assert mailbox.mails == []
    assert now(task.public_id).state == "Canceled"


@pytest.mark.parametrize(
    "arguments",
    [{}, {"EmailAddress": 7}, {"EmailAddress": "nobody"}, {"EmailAddress": "a@b.c\nBcc: d@e.f"}],
)
def test_an_address_that_is_none_is_refused(arguments: dict[str, Any]) -> None:
    status, body = ask(make_ana(), arguments)
    assert status == 400
    assert "An email address is needed." in str(body)
    assert not ServerTask.objects.in_space(default_space()).exists()


def test_only_who_configures_the_server_may() -> None:
    space = default_space()
    assert ask(make_cleo(space), {"EmailAddress": ADDRESS})[0] == 403
    erin = make_user("erin")
    give_role(erin, "userroles-projectdeployer", space=space)
    status, body = ask(as_person(erin), {"EmailAddress": ADDRESS})
    assert status == 403
    assert "ConfigureServer" in str(body)
