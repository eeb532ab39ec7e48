"""Two gateways that believe to hold the same agent: nothing is lost, nothing doubled."""

from concurrent.futures import ThreadPoolExecutor

from django.db import connections

from agent.contracts.messages import Finished
from agent.contracts.spool import STDOUT, Frame, decode_frames
from deployments.execution.logs.bodies import unpack_body
from deployments.execution.models import ActionExecution, LogChunk
from deployments.gateway import sessions
from deployments.gateway.masks import CommandSecrets
from deployments.gateway.store import Outcome, Report, store
from tests.deployments.gateway.conftest import begin
from tests.factories.execution import Scene

TEXT = b"".join(b"line %03d\n" % number for number in range(200))


def report(scene: Scene, session: sessions.Session, start: int, end: int) -> Report:
    (run,) = scene.runs()
    frame = Frame(STDOUT, 1, start, TEXT[start:end])
    return Report(session, str(run.message_id), run.execution_id, [frame])


def stored(scene: Scene) -> bytes:
    rows = LogChunk.objects.in_space(scene.deployment.space).exclude(execution=None)
    bodies = [unpack_body(bytes(chunk.body)) for chunk in rows.order_by("offset")]
    return b"".join(frame.payload for body in bodies for frame in decode_frames(body)[0])


def test_a_zombie_is_refused(scene: Scene) -> None:
    old = begin(scene)
    new = begin(scene)
    late, fresh = report(scene, old, 0, 50), report(scene, new, 0, 70)
    outcomes = store([late, fresh], CommandSecrets())
    by_session = {outcome.session: outcome for outcome in outcomes}
    assert by_session[old].is_stale
    assert by_session[new].log_length == 70
    assert stored(scene) == TEXT[:70]


def test_writers_at_one_place_at_one_moment_leave_one_whole_log(scene: Scene) -> None:
    session = begin(scene)

    def write(seed: int) -> None:
        secrets = CommandSecrets()
        length = 0
        try:
            while length < len(TEXT):
                end = min(len(TEXT), length + 37 + seed)
                (outcome,) = store([report(scene, session, length, end)], secrets)
                assert isinstance(outcome, Outcome)
                assert outcome.log_length > length or outcome.has_gap
                length = outcome.log_length
        finally:
            connections.close_all()

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(write, range(3)))
    assert stored(scene) == TEXT
    execution = ActionExecution.objects.in_space(scene.deployment.space).get()
    assert (execution.log_length, execution.line_count) == (len(TEXT), 200)


def test_a_result_that_is_said_twice_counts_once(scene: Scene) -> None:
    session = begin(scene)
    (run,) = scene.runs()
    good = Finished(id=str(run.message_id), started=True, exit=0)
    bad = Finished(id=str(run.message_id), started=True, exit=1)
    for message in (good, bad, good):
        said = Report(session, str(run.message_id), run.execution_id, [], [message])
        (outcome,) = store([said], CommandSecrets())
        assert outcome.ended
    assert [row.state for row in scene.rows()] == ["Succeeded"]
