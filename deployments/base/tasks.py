"""The Celery tasks that follow the stream of events, and those that empty deleted spaces."""

from celery import shared_task

from deployments.base.following.consuming import consume, consume_all
from deployments.base.services.emptying import (
    empty_deleted_spaces,
    look_again_at_deleted_spaces,
)


@shared_task(name="base.consume")
def consume_task(name: str) -> None:
    """Give one consumer what is new."""
    consume(name)


@shared_task(name="base.consume_all", expires=10)
def consume_all_task() -> None:
    """Give every consumer what its wake-ups missed."""
    consume_all()


@shared_task(name="base.empty_deleted_spaces", expires=15)
def empty_deleted_spaces_task() -> None:
    """Remove some rows; the beat asks again, so that one chain is all there is."""
    empty_deleted_spaces()


@shared_task(name="base.look_again_at_deleted_spaces", expires=3600)
def look_again_at_deleted_spaces_task() -> None:
    """Find rows that came after their space was empty."""
    look_again_at_deleted_spaces()
