"""The Celery application; tasks live in each app's tasks.py."""

import gc
import os
from typing import Any

from celery import Celery
from celery.signals import task_prerun, worker_process_init, worker_ready

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "octopus_site.settings")
# Django's checks are of the code, which the tests check; they would load every page.
os.environ.setdefault("CELERY_SKIP_CHECKS", "1")

_CONNECTION_S = 60

app = Celery("octopus")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@worker_process_init.connect
def keep_what_lasts(**_: Any) -> None:
    """Let a worker process keep its database connection from task to task, for a while.

    What has been loaded until now stays, so no collection of garbage looks at it.
    """
    from django.db import connections  # noqa: PLC0415 Django is set up by now

    for connection in connections.all():
        connection.settings_dict["CONN_MAX_AGE"] = _CONNECTION_S
        connection.settings_dict["CONN_HEALTH_CHECKS"] = True
    gc.freeze()


@worker_ready.connect
def give_signs_of_life(**_: Any) -> None:
    """Let the worker say every few seconds that its node is there."""
    from octopus_site.heartbeat import Heartbeat  # noqa: PLC0415 Django is set up by now

    Heartbeat().start()


@task_prerun.connect
def drop_broken_connections(**_: Any) -> None:
    """Give a task a new connection when the last one is old or broken."""
    from django.db import close_old_connections  # noqa: PLC0415 needs Django's set-up

    close_old_connections()
