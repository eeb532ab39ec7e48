"""People who publish at once."""

from functools import partial

import pytest

from deployments.releases.models import RunbookSnapshot
from deployments.releases.queries import published_snapshot
from deployments.releases.services.runbook_snapshots import publish_runbook_snapshot
from tests.deployments.execution.test_concurrency import in_threads
from tests.factories.domain import make_project
from tests.factories.people import SYSTEM
from tests.factories.runbooks import make_runbook, make_snapshot


@pytest.mark.django_db(transaction=True)
def test_of_those_who_publish_at_once_the_last_one_wins() -> None:
    runbook = make_runbook(make_project())
    snapshots = [make_snapshot(runbook, publish=False) for _ in range(4)]
    for _ in range(3):
        in_threads(
            *(partial(publish_runbook_snapshot, actor=SYSTEM, snapshot=each) for each in snapshots)
        )
        published = RunbookSnapshot.objects.in_space(runbook.space).filter(is_published=True)
        assert published.count() == 1
    assert published_snapshot(runbook) in snapshots
