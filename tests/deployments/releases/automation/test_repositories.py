"""Git triggers against a real Git server: what is news, what is done, and what is told."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from deployments.base.clock import utc_now
from deployments.base.errors import Invalid
from deployments.base.settings_rows import set_setting
from deployments.projects.git.remote import Repository, references_of
from deployments.projects.models import ProjectTrigger, WatchedRepository
from deployments.projects.services import repositories as kept
from deployments.projects.services.repositories import is_same_place, look_soon
from deployments.projects.services.triggers import (
    TriggerInput,
    set_trigger_disabled,
    update_trigger,
)
from deployments.releases.models import Release
from deployments.releases.services.automation import repositories
from deployments.releases.services.automation.calls import answer_calls
from deployments.releases.services.automation.repositories import watch_repositories
from tests.deployments.releases.automation.git_server import Hosted, git_server
from tests.factories.automation import decisions, make_trigger, set_disabled
from tests.factories.domain import make_environment, make_lifecycle, make_project, script_step
from tests.factories.people import SYSTEM
from tests.factories.runbooks import make_runbook, make_snapshot

pytestmark = pytest.mark.django_db


class Desk:
    """A project whose triggers watch a repository."""

    def __init__(self, hosted: Hosted) -> None:
        self.hosted, self.now = hosted, utc_now()
        self.live = make_environment("Live")
        self.project = make_project(
            "Web", lifecycle=make_lifecycle(self.live), steps=[script_step()]
        )

    def clock(self) -> Any:
        return self.now

    def watches(self, **more: Any) -> ProjectTrigger:
        action = more.pop("action", {"ActionType": "CreateRelease"})
        password, name = more.pop("password", None), more.pop("name", "Git")
        watched = {"FilterType": "GitFilter", "RepositoryUri": self.hosted.url} | more
        watched.setdefault("Branches", ["main"])
        return make_trigger(
            self.project, watched, action, name=name, password=password, clock=self.clock
        )

    def changed(self, trigger: ProjectTrigger, password: str | None = None, **more: Any) -> None:
        document = {**trigger.filter, **more}
        update_trigger(
            actor=SYSTEM,
            row=trigger,
            trigger=TriggerInput(trigger.name, document, trigger.action, password=password),
            clock=self.clock,
        )

    def look(self) -> int:
        """Look, and let the trigger act."""
        self.now += timedelta(minutes=7)
        looked = watch_repositories(clock=self.clock)
        answer_calls(clock=self.clock)
        return looked

    def releases(self) -> list[Release]:
        rows = Release.objects.in_space(self.project.space).filter(project=self.project)
        return list(rows.order_by("pk"))


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    set_setting("http_request.allow_loopback", value=True)
    with git_server(tmp_path) as hosted:
        yield Desk(hosted)


def test_a_new_commit_creates_a_release_and_what_was_there_does_not(desk: Desk) -> None:
    trigger = desk.watches()
    desk.look()
    desk.look()
    assert desk.releases() == []
    before = trigger.repository.seen
    commit = desk.hosted.commit()
    desk.hosted.commit("other")
    desk.look()
    desk.look()
    [release] = desk.releases()
    assert decisions(desk.project) == [("Created", "0.0.1 was created.")]
    assert f"- `refs/heads/main`: {commit}, before " in release.notes
    assert trigger.decisions.get().cause.endswith(f"/config is at {commit[:10]}")
    assert before is None
    assert set(desk.hosted.agents) == {"git/2 (Octopus)"}


def test_new_tags_count_together_and_annotated_ones_by_their_commit(desk: Desk) -> None:
    desk.watches(Branches=[], Tags=["v*"])
    desk.look()
    commit = desk.hosted.commit()
    desk.hosted.git("tag", "-a", "v1.0", "-m", "One")
    desk.hosted.git("tag", "v1.1")
    desk.hosted.git("tag", "nightly")
    desk.look()
    [release] = desk.releases()
    assert release.notes.splitlines()[2:] == [
        f"- `refs/tags/v1.0`: {commit}",
        f"- `refs/tags/v1.1`: {commit}",
    ]


def test_a_repository_that_cannot_be_read_is_told_once_and_nothing_is_missed(desk: Desk) -> None:
    trigger = desk.watches()
    desk.look()
    desk.hosted.is_down = True
    desk.hosted.commit()
    desk.look()
    desk.look()
    [(outcome, reason)] = decisions(desk.project)
    assert (outcome, "status 503" in reason) == ("Waiting", True)
    assert WatchedRepository.objects.get(trigger=trigger).problem == reason
    desk.hosted.is_down = False
    desk.look()
    assert len(desk.releases()) == 1
    assert WatchedRepository.objects.get(trigger=trigger).problem == ""


def test_the_password_is_sealed_and_goes_to_its_own_place_only(desk: Desk) -> None:
    desk.hosted.password = "correct horse"
    trigger = desk.watches(Username="ana", password="wrong")
    desk.look()
    assert "other credentials (401)" in decisions(desk.project)[0][1]
    desk.changed(trigger, password="correct horse")
    desk.look()
    row = WatchedRepository.objects.get(trigger=trigger)
    assert (row.problem, len(row.seen or ())) == ("", 1)
    assert b"correct horse" not in bytes(row.sealed_password or b"")
    assert "correct horse" not in str(trigger.filter)
    for field, value in (("RepositoryUri", "https://elsewhere.example"), ("Username", "eve")):
        with pytest.raises(Invalid, match="Enter the password again"):
            desk.changed(trigger, **{field: value})
    desk.changed(trigger, password="")
    assert WatchedRepository.objects.get(trigger=trigger).sealed_password is None


def test_a_change_or_a_pause_is_not_made_up_for(desk: Desk) -> None:
    trigger = desk.watches()
    desk.look()
    set_trigger_disabled(actor=SYSTEM, row=trigger, is_disabled=True, clock=desk.clock)
    desk.hosted.commit()
    assert desk.look() == 0
    set_trigger_disabled(actor=SYSTEM, row=trigger, is_disabled=False, clock=desk.clock)
    desk.look()
    desk.hosted.commit("release/1")
    desk.changed(trigger, Branches=["*"])
    desk.look()
    assert desk.releases() == []
    desk.hosted.commit("release/1")
    desk.look()
    assert len(desk.releases()) == 1


def test_what_came_while_the_project_was_disabled_is_not_new(desk: Desk) -> None:
    desk.watches()
    desk.look()
    set_disabled(desk.project, is_disabled=True, clock=desk.clock)
    desk.hosted.commit()
    desk.hosted.commit()
    assert desk.look() == 0
    set_disabled(desk.project, is_disabled=False, clock=desk.clock)
    # At once, not in its turn.
    assert watch_repositories(clock=desk.clock) == 1
    desk.look()
    assert (desk.releases(), decisions(desk.project)) == ([], [])
    desk.hosted.commit()
    desk.look()
    assert len(desk.releases()) == 1


def test_looks_are_five_minutes_apart_unless_one_is_asked_for(desk: Desk) -> None:
    trigger = desk.watches()
    assert watch_repositories(clock=desk.clock) == 1
    assert watch_repositories(clock=desk.clock) == 0
    look_soon(actor=SYSTEM, row=trigger, clock=desk.clock)
    assert watch_repositories(clock=desk.clock) == 1


def test_it_may_run_a_runbook(desk: Desk) -> None:
    runbook = make_runbook(desk.project, "Apply")
    make_snapshot(runbook)
    action = {
        "ActionType": "RunRunbook",
        "RunbookId": runbook.public_id,
        "EnvironmentIds": [desk.live.public_id],
    }
    desk.watches(action=action)
    desk.look()
    desk.hosted.commit()
    desk.look()
    assert decisions(desk.project) == [("Run", "Apply is run in Live.")]


def test_this_machine_is_not_asked_unless_that_is_allowed(desk: Desk) -> None:
    set_setting("http_request.allow_loopback", value=False)
    desk.watches()
    desk.look()
    assert "which is this server itself" in decisions(desk.project)[0][1]
    assert desk.hosted.agents == []


def test_slow_repositories_keep_a_worker_for_a_while_only(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.watches(name="One")
    desk.watches(name="Two")
    monkeypatch.setattr(repositories, "_LONGEST_S", -1.0)
    assert watch_repositories(clock=desk.clock) == 0
    monkeypatch.undo()
    assert watch_repositories(clock=desk.clock) == 2


def test_one_worker_looks_at_a_time(
    desk: Desk, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.watches()
    second_round: list[int] = []

    def slowly(repository: Repository) -> Any:
        desk.watches(name="Another")
        second_round.append(watch_repositories(clock=desk.clock))
        return references_of(repository)

    monkeypatch.setattr(repositories, "references_of", slowly)
    assert watch_repositories(clock=desk.clock) == 1
    assert second_round == [0]
    monkeypatch.undo()
    assert watch_repositories(clock=desk.clock) == 1


def test_a_look_that_ends_while_the_trigger_is_saved_is_not_forgotten(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.hosted.password = "5ecret"
    trigger = desk.watches(Username="ana", password=desk.hosted.password)
    desk.look()
    desk.hosted.commit()

    def look_meanwhile(*filters: Any) -> bool:
        desk.look()
        return is_same_place(*filters)

    monkeypatch.setattr(kept, "is_same_place", look_meanwhile)
    desk.changed(trigger)
    assert len(desk.releases()) == 1
    desk.look()
    assert len(desk.releases()) == 1
