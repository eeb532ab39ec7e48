"""Archived logs: every reader says the same as before, and nothing is lost whatever dies."""

import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.contracts.spool import STDERR, STDOUT, Frame
from deployments.base.errors import Invalid, NotPermitted
from deployments.base.models import Event
from deployments.execution.api.activity import activity_tree
from deployments.execution.logs import chunks
from deployments.execution.logs.append import append_output, write_lines
from deployments.execution.logs.archive_file import (
    ArchiveReader,
    BrokenArchive,
    Entry,
    write_archive,
)
from deployments.execution.logs.queries import (
    all_lines,
    events_after,
    last_lines_of,
    log_lines,
    raw_bytes,
    task_lines,
)
from deployments.execution.logs.raw import raw_log
from deployments.execution.logs.search import search_log
from deployments.execution.models import ActionExecution, LogArchive, LogChunk
from deployments.execution.services.logs import archive as service
from deployments.execution.services.logs.archive import archive_log, archive_logs
from deployments.execution.services.logs.settings import (
    LogSettings,
    log_settings,
    save_log_settings,
)
from deployments.server_tasks.models import ServerTask
from packages_feed.models import StoredBlob
from packages_feed.services.blobs import sweep_unused_blobs
from packages_feed.storage import StorageFailed, package_storage
from tests.deployments.calls import send
from tests.factories.domain import script_step
from tests.factories.execution import Scene, SettableClock, make_scene
from tests.factories.people import SYSTEM, make_ana, make_cleo
from tests.factories.spaces import default_space
from tests.support.portal import Visitor, text_of

DAY = 86_400


def write(execution: ActionExecution, text: bytes, stream: int = STDOUT) -> None:
    row = ActionExecution.objects.in_space(default_space()).get(pk=execution.pk)
    append_output({row.pk: [Frame(stream, 1_700_000_000_000, row.log_length, text)]})


@pytest.fixture
def scene() -> Scene:
    """Return a deployment that has ended, with output on two targets and a task line."""
    scene = make_scene(script_step("Install", roles="web"), machines=2)
    runs = scene.runs()
    lengths = dict.fromkeys((run.execution.pk for run in runs), 0)
    for part in range(40):
        frames: dict[int, list[Frame]] = {}
        for run in runs:
            pk = run.execution.pk
            text = f"line {part} of {run.execution.target_name}\nhalf ".encode()
            out = Frame(STDOUT, 1_700_000_000_000, lengths[pk], text)
            lengths[pk] += len(out.payload)
            err = Frame(STDERR, 1_700_000_000_000, lengths[pk], b"warned\n")
            lengths[pk] += len(err.payload)
            frames[pk] = [out, err]
        append_output(frames)
    write_lines(scene.task, None, [("warning", "about the task")])
    scene.run_to_end()
    return scene


def everything(scene: Scene) -> dict[str, Any]:
    """Return what every reader says."""
    task, rows = scene.task, scene.rows()
    for row in rows:
        row.space = task.space
    row = rows[0]
    return {
        "lines": [list(all_lines(row)) for row in rows],
        "page": log_lines(row, first=17, count=9),
        "last of": last_lines_of(rows, 4, up_to=task.last_event_number),
        "up to": last_lines_of(rows, 4, up_to=20),
        "task": task_lines(task),
        "events": events_after(task.pk, 3)[0],
        "raw": [b"".join(raw_bytes(row)) for row in rows],
        "raw log": "".join(raw_log(task)),
        "tree": json.dumps(activity_tree(task, tail=50, verbose=True)),
        "search": search_log(task, rows, "LINE 3"),
    }


@pytest.mark.django_db
def test_every_reader_says_the_same(scene: Scene) -> None:
    before = everything(scene)
    archive = archive_log(scene.task)
    assert LogChunk.objects.in_space(default_space()).count() == 0
    assert package_storage().size(archive.blob_id) == archive.size
    assert everything(scene) == before
    page = text_of(Visitor(make_ana()).get(f"tasks/{scene.task.public_id}"))
    assert f"line 39 of {scene.machines[0].name}" in page


@pytest.mark.django_db
def test_what_is_written_later_follows_on_the_archive(scene: Scene) -> None:
    archive_log(scene.task)
    row = scene.rows()[0]
    row.space = default_space()
    before = list(all_lines(row))
    write(row, b" and late\nlate line\n")
    row = scene.rows()[0]
    row.space = default_space()
    after = list(all_lines(row))
    assert [line.text for line in after][-2:] == ["half  and late", "late line"]
    assert len(after) == len(before) + 1


@pytest.mark.django_db
def test_only_old_logs_of_ended_tasks(scene: Scene) -> None:
    running = make_scene(script_step("Install", roles="web"))
    write(running.runs()[0].execution, b"still here\n")
    clock = SettableClock()
    clock.forward(6 * DAY)
    assert archive_logs(clock=clock) == 0
    clock.forward(2 * DAY)
    assert archive_logs(clock=clock) == 1
    assert LogArchive.objects.in_space(default_space()).get().task_id == scene.task.pk
    assert archive_logs(clock=clock) == 0
    save_log_settings(actor=SYSTEM, settings=LogSettings(archive_after_days=0))
    other = make_scene(script_step("Install", roles="web"))
    write(other.runs()[0].execution, b"kept\n")
    other.run_to_end()
    clock.forward(400 * DAY)
    assert archive_logs(clock=clock) == 0


@pytest.mark.django_db
@pytest.mark.parametrize("place", ["store_bytes", "lock_bytes"])
def test_a_death_on_the_way_loses_nothing(
    scene: Scene, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = everything(scene)

    def dies(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(service, place, dies)
        with pytest.raises(KeyboardInterrupt):
            archive_log(scene.task)
    assert everything(scene) == before
    assert list(package_storage().spool_folder.glob("log-*")) == []
    archive_log(scene.task)
    assert everything(scene) == before


@pytest.mark.django_db
def test_a_storage_that_fails_leaves_the_log_where_it_is(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise StorageFailed("no room")

    before = everything(scene)
    clock = SettableClock()
    clock.forward(8 * DAY)
    monkeypatch.setattr(service, "store_bytes", fails)
    assert archive_logs(clock=clock) == 0
    assert everything(scene) == before


@pytest.mark.django_db
def test_a_reader_that_meets_the_archiver_reads_everything(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = scene.rows()[0]
    row.space = default_space()
    before = list(all_lines(row))
    find = chunks._archive_of
    calls: list[int] = []

    def slow(task_pk: int) -> LogArchive | None:
        if not calls:
            archive_log(scene.task)
        calls.append(task_pk)
        return find(task_pk)

    monkeypatch.setattr(chunks, "_archive_of", slow)
    assert list(all_lines(row)) == before


@pytest.mark.django_db
@pytest.mark.parametrize("how", ["cut", "gone"])
def test_pages_say_that_the_log_cannot_be_read(scene: Scene, how: str) -> None:
    archive = archive_log(scene.task)
    if how == "cut":
        LogArchive.objects.in_space(default_space()).update(size=archive.size - 3)
    else:
        package_storage().delete(archive.blob_id)
    chunks.open_archive.cache_clear()
    ana = make_ana()
    words = "The archived log cannot be read now"
    page = Visitor(ana).get(f"tasks/{scene.task.public_id}")
    assert (page.status_code, words in text_of(page)) == (200, True)
    details = ana.api.get(f"/api/tasks/{scene.task.public_id}/details")
    assert (details.status_code, words in str(details.json())) == (503, True)
    assert words in "".join(raw_log(scene.task))


@pytest.mark.django_db
def test_one_log_that_cannot_be_archived_holds_nobody_up(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = make_scene(script_step("Install", roles="web"))
    write(other.runs()[0].execution, b"text\n")
    other.run_to_end()
    real = service.archive_log

    def breaks(task: ServerTask, **options: Any) -> LogArchive:
        if task.pk == scene.task.pk:
            raise ValueError("something is wrong with it")
        return real(task, **options)

    monkeypatch.setattr(service, "archive_log", breaks)
    clock = SettableClock()
    clock.forward(8 * DAY)
    assert archive_logs(clock=clock) == 1


@pytest.mark.django_db
def test_the_bytes_go_with_the_task(scene: Scene) -> None:
    archive = archive_log(scene.task)
    clock = SettableClock()
    clock.forward(2 * DAY)
    sweep_unused_blobs(clock=clock)
    assert StoredBlob.objects.filter(pk=archive.blob_id).exists()
    LogArchive.objects.in_space(default_space()).delete()
    sweep_unused_blobs(clock=clock)
    assert package_storage().size(archive.blob_id) is None


@pytest.mark.django_db
def test_settings_have_bounds_a_page_and_an_event() -> None:
    for wrong in (LogSettings(-1, 10), LogSettings(4000, 10), LogSettings(7, 0)):
        with pytest.raises(Invalid):
            save_log_settings(actor=SYSTEM, settings=wrong)
    with pytest.raises(NotPermitted):
        save_log_settings(actor=make_cleo(default_space()).actor, settings=LogSettings())
    ana = Visitor(make_ana())
    assert "No log is archived yet." in text_of(ana.get("administration/logs"))
    assert "from 0 to 3650" in text_of(
        ana.post("administration/logs", {"days": "x", "output": "10"})
    )
    ana.post("administration/logs", {"days": "30", "output": "20"})
    assert log_settings() == LogSettings(30, 20)
    assert Event.objects.filter(message="The settings of task logs were changed").count() == 1
    scene = make_scene(script_step("Install", roles="web"))
    assert scene.runs()[0].header["spool_cap"] == 20 * 1024 * 1024


ENTRIES = st.lists(
    st.tuples(
        st.builds(
            Entry,
            execution_id=st.one_of(st.none(), st.integers(1, 5)),
            offset=st.integers(0, 10**9),
            raw_length=st.integers(0, 65536),
            first_line=st.integers(1, 10**6),
            line_count=st.integers(0, 1000),
            event_number=st.integers(1, 10**6),
            start_state=st.dictionaries(st.text(max_size=5), st.integers(), max_size=2),
            received=st.just("2026-01-01T00:00:00+00:00"),
        ),
        st.binary(max_size=300),
    ),
    max_size=20,
)


def opened(data: bytes) -> ArchiveReader:
    return ArchiveReader(lambda start, length: data[start : start + length], len(data))


@given(ENTRIES)
def test_what_is_written_is_read(chunks: list[tuple[Entry, bytes]]) -> None:
    file = io.BytesIO()
    assert write_archive(file, chunks) == len(chunks)
    reader = opened(file.getvalue())
    assert [reader.body(entry) for entry in reader.entries] == [body for _, body in chunks]
    assert [entry.offset for entry in reader.entries] == [entry.offset for entry, _ in chunks]


def test_blocks_are_opened_alone() -> None:
    entry = Entry(1, 0, 0, 1, 1, 1, {}, "2026-01-01T00:00:00+00:00")
    bodies = [bytes([n]) * 65536 for n in range(40)]
    file = io.BytesIO()
    write_archive(file, ((entry, body) for body in bodies))
    data, reads = file.getvalue(), []

    def read(start: int, length: int) -> bytes:
        reads.append(start)
        return data[start : start + length]

    reader = ArchiveReader(read, len(data))
    reads.clear()
    assert [reader.body(one) for one in reader.entries[:16]] == bodies[:16]
    assert len(reads) == 1


def damaged() -> Iterator[bytes]:
    file = io.BytesIO()
    write_archive(file, [(Entry(1, 0, 0, 1, 1, 1, {}, ""), b"text")])
    good = file.getvalue()
    yield b""
    yield good[:-1]
    yield good[:-16] + (10**9).to_bytes(8, "big") + b"octolog1"
    yield bytes(len(good) - 16) + good[-16:]


@pytest.mark.parametrize("data", list(damaged()))
def test_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(BrokenArchive):
        opened(data)


@pytest.mark.django_db
def test_settings_over_rest() -> None:
    path, ana = "/api/logsettings", make_ana()
    status, read = send(ana, "get", path)
    assert (status, read["ArchiveAfterDays"], read["LargestOutputMiB"]) == (200, 7, 256)
    status, saved = send(ana, "put", path, {"ArchiveAfterDays": 30})
    assert (status, saved) == (200, {**read, "ArchiveAfterDays": 30})
    for wrong in ({"ArchiveAfterDays": -1}, {"LargestOutputMiB": 0}, {"ArchiveAfterDays": "soon"}):
        status, answer = send(ana, "put", path, wrong)
        assert status == 400
        assert answer["Errors"]
    assert log_settings() == LogSettings(30, 256)
    cleo = make_cleo(default_space())
    assert [send(cleo, "get", path)[0], send(cleo, "put", path, {})[0]] == [403, 403]
