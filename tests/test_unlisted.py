"""What a job that has just ended may have launched, before DRS lists it."""

from datetime import timedelta

from drskit.model import ServerStatus
from drskit.targets import Gone, Selection
from drskit.unlisted import told, unlisted, without_doubtful
from tests.builders import Walk, execution_of, sid, wave

NOTHING = Selection()


def ended():
    """Two servers that came up, of which no instance was recorded."""
    walk = Walk(execution_of((wave("Database"), 2))).wave_done()
    (run,) = walk.execution.waves
    servers = tuple(server.model_copy(update={"recovery_instance_id": None}) for server in run.servers)
    waves = (run.model_copy(update={"servers": servers}),)
    return walk.execution.model_copy(update={"waves": waves})


def job_end(drill):
    (attempt,) = drill.attempts
    return attempt.end_time


def test_a_server_without_an_instance_is_doubtful_for_five_minutes():
    """From the recorded end of its job on."""
    drill = ended()
    job_id = drill.attempts[0].job_id
    soon, later = job_end(drill) + timedelta(minutes=4), job_end(drill) + timedelta(minutes=5)
    assert {job_id: (sid(1), sid(2))} == unlisted(drill, (), NOTHING, soon)
    assert {} == unlisted(drill, (), NOTHING, later)


def test_what_is_doubtful_is_not_called_gone():
    """A recorded instance that EC2 has no more is gone all the same."""
    late = {"drsjob-00000000000000001": (sid(1),)}
    bare, known = Gone(sid(1), None, "no instance"), Gone(sid(1), "i-00000000000000001", "terminated")
    other = Gone(sid(2), None, "no instance")
    assert (known, other) == without_doubtful(Selection(gone=(bare, known, other)), late).gone


def test_a_server_that_drs_did_not_launch_is_not_doubtful():
    """Its job's word counts, and one that failed has none to come."""
    drill = ended()
    (run,) = drill.waves
    words = (("FAILED", ServerStatus.UNKNOWN), (None, ServerStatus.FAILED))
    servers = tuple(
        server.model_copy(update={"launch_status": word, "status": status})
        for server, (word, status) in zip(run.servers, words, strict=True)
    )
    drill = drill.model_copy(update={"waves": (run.model_copy(update={"servers": servers}),)})
    assert {} == unlisted(drill, (), NOTHING, job_end(drill))


def test_the_job_and_its_servers_are_named():
    """And for how long that may be."""
    (clause,) = told({"drsjob-00000000000000001": (sid(1),)})
    assert f"drsjob-00000000000000001 has just ended, and DRS may list what it launched of {sid(1)}" in clause
    assert clause.endswith("up to 5 min later")
