"""The task TestEmail: one mail with the settings in force, sent at most once."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction

from deployments.access.permissions import Permission
from deployments.access.policy import require_system
from deployments.access.services.mail_settings import require_address, try_mail
from deployments.base.actor import Actor
from deployments.base.clock import Clock, utc_now
from deployments.base.errors import Invalid
from deployments.base.events import record
from deployments.base.models import Space
from deployments.execution.logs.append import write_lines
from deployments.execution.services.finish import end_task, succeed_task
from deployments.execution.services.lease import claim, settle
from deployments.server_tasks.models import ServerTask
from deployments.server_tasks.services import enqueue

KIND: Final = "TestEmail"
RUN: Final = "execution.send_test_mail"
ADDRESS: Final = "EmailAddress"
# The arguments in which the task keeps who asked for it, and when a process began to send.
_BY: Final = "RequestedBy"
_BEGAN: Final = "Began"
# No mail takes longer, by the longest time limit of the settings.
_LONGEST: Final = timedelta(minutes=3)


def request_test_mail(
    *,
    actor: Actor,
    space: Space,
    arguments: Mapping[str, Any],
    description: str = "",
    clock: Clock = utc_now,
) -> ServerTask:
    """Queue a mail to the address of the arguments. Raises NotPermitted, Invalid."""
    require_system(actor, Permission.ConfigureServer)
    address = arguments.get(ADDRESS)
    if not isinstance(address, str):
        raise Invalid(fields={ADDRESS: ["An email address is needed."]})
    address = require_address(address, field=ADDRESS)
    with transaction.atomic():
        task = enqueue(
            actor=actor,
            space=space,
            kind=KIND,
            description=description.strip() or f"Send a test mail to {address}",
            arguments={ADDRESS: address, _BY: actor.username},
            clock=clock,
        )
        record(
            actor=actor,
            space=space,
            category="TaskQueued",
            message=f"A test mail to {address} was queued",
            subject=task.public_id,
            clock=clock,
        )
    return task


def send_queued_mail(task_id: int, *, clock: Clock = utc_now) -> None:
    """Send the mail of the task and end it; a mail whose process died is not sent again."""
    lease = claim(task_id, now=clock())
    if lease is None:
        return
    try:
        _send(lease.task, clock)
    finally:
        settle(lease, now=clock())


def _send(task: ServerTask, clock: Clock) -> None:
    if began := task.arguments.get(_BEGAN):
        # The claim lasts shorter than a slow mail server: the other process may still be at it.
        if clock() - datetime.fromisoformat(began) > _LONGEST:
            words = "The server stopped while it sent the mail; it may have arrived."
            end_task(task, words, clock=clock)
        return
    if task.cancel_requests:
        end_task(task, "", canceled=True, clock=clock)
        return
    address = task.arguments[ADDRESS]
    kept = {**task.arguments, _BEGAN: clock().isoformat()}
    ServerTask.objects.in_space(task.space).filter(pk=task.pk).update(arguments=kept)
    problem = try_mail(address, by=task.arguments[_BY], clock=clock)
    if problem:
        write_lines(task, None, [("error", problem)], clock=clock)
        end_task(task, f"The mail was not sent: {problem}", clock=clock)
        return
    write_lines(task, None, [("info", f"The mail server took a mail to {address}.")], clock=clock)
    succeed_task(task, clock=clock)
