"""The Celery tasks that follow the stream of events, and the one that empties deleted spaces."""

from celery import shared_task

from deployments.base.following.consuming import consume, consume_all
from deployments.base.services.emptying import EMPTY_DELETED, empty_deleted_spaces
from deployments.base.wake import wake_now


@shared_task(name="base.consume")
def consume_task(name: str) -> None:
    """Give one consumer what is new."""
    consume(name)


@shared_task(name="base.consume_all", expires=10)
def consume_all_task() -> None:
    """Give every consumer what its wake-ups missed."""
    consume_all()


@shared_task(name=EMPTY_DELETED)
def empty_deleted_spaces_task() -> None:
    """Remove some rows; asks for another turn while there are more."""
    if not empty_deleted_spaces():
        wake_now(EMPTY_DELETED)
