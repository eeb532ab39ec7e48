"""The Celery tasks that follow the stream of events."""

from celery import shared_task

from deployments.base.following.consuming import consume, consume_all


@shared_task(name="base.consume")
def consume_task(name: str) -> None:
    """Give one consumer what is new."""
    consume(name)


@shared_task(name="base.consume_all", expires=10)
def consume_all_task() -> None:
    """Give every consumer what its wake-ups missed."""
    consume_all()
