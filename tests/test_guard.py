"""What a launch would destroy, and who may let it."""

import pytest

from drskit.guard import doomed, obstacles
from drskit.model import RecoveryInstance, TaggedInstance
from tests.builders import job_of, sid

OURS = {"drskit:ExecutionId": "01OURS", "drskit:ExecutionType": "DRILL"}


def instance(number=1, **changes):
    """What DRS knows of an instance: a running drill."""
    known = RecoveryInstance(
        recovery_instance_id=f"i-{number}",
        source_server_id=sid(number),
        job_id=f"drsjob-{number:017d}",
        is_drill=True,
        state="RUNNING",
    )
    return known.model_copy(update=changes)


def tagged(number=1, state="running", *, protected=False):
    """What EC2 knows of an instance."""
    return TaggedInstance(instance_id=f"i-{number}", source_server_id=sid(number), state=state, protected=protected)


def jobs(tags, number=1):
    job = job_of(number, tags=tags)
    return {job.job_id: job}


def blocked(found, *replace):
    """Why the server must not be launched."""
    return obstacles([sid(1)], found, replace)[sid(1)]


def test_nothing_there_is_nothing_in_the_way():
    """None says that it was asked, and may be launched."""
    assert {sid(1): None, sid(2): None} == obstacles([sid(1), sid(2)], doomed([], [], {}), ())


def test_a_drill_of_ours_may_go():
    """It is named all the same, for the preview."""
    (found,) = doomed([instance()], [tagged()], jobs(OURS))
    assert (True, "i-1 (a drill, running, launched by drskit's execution 01OURS)") == (found.ours, found.description)
    assert blocked([found]) is None


@pytest.mark.parametrize(
    ("changes", "tags", "words"),
    [
        ({}, {}, "a drill, running, launched not by drskit"),
        ({"is_drill": False}, OURS, "a RECOVERY, running, launched not by drskit"),
        ({"is_drill": None}, OURS, "of unknown kind, running, launched not by drskit"),
        ({}, {**OURS, "drskit:ExecutionType": "RECOVERY"}, "a drill, running, launched not by drskit"),
        ({"job_id": "drsjob-gone"}, OURS, "a drill, running, launched by drsjob-gone, which DRS no longer has"),
        ({"job_id": None}, OURS, "a drill, running, launched not by drskit"),
        ({"state": "STOPPED"}, {}, "a drill, stopped, launched not by drskit"),
        ({"state": ""}, {}, "a drill, , launched not by drskit"),
    ],
)
def test_what_is_no_drill_of_ours_or_not_known_to_be_one_refuses(changes, tags, words):
    """A recovery, somebody's drill, an unknown kind, a job that DRS has forgotten."""
    text = blocked(doomed([instance(**changes)], [tagged()], jobs(tags)))
    assert f"a launch would terminate i-1 ({words}). Turn on its termination protection" in text


@pytest.mark.parametrize("state", ["TERMINATED", "SHUTTING-DOWN"])
def test_what_is_gone_refuses_nothing(state):
    """DRS knows it for a while yet; EC2's words are in small letters."""
    assert blocked(doomed([instance(is_drill=False, state=state)], [], {})) is None
    assert blocked(doomed([], [tagged(state=state.lower())], {})) is None


def test_termination_protection_keeps_an_instance_and_lets_the_launch_pass():
    """DRS cannot terminate it."""
    assert () == doomed([instance(is_drill=False)], [tagged(protected=True)], {})
    assert () == doomed([], [tagged(protected=True)], {})


def test_an_instance_that_drs_has_forgotten_refuses():
    """It was disconnected and deleted from DRS, and would be terminated nevertheless."""
    text = blocked(doomed([], [tagged()], {}))
    assert "i-1 (running in EC2, no longer known to DRS)" in text


def test_an_instance_that_both_know_counts_once():
    """DRS's view of it."""
    assert 1 == len(doomed([instance()], [tagged()], jobs(OURS)))


def test_the_operator_may_name_what_goes():
    """Each instance by its own id; another one still refuses."""
    found = doomed(
        [instance(is_drill=False)],
        [tagged(), TaggedInstance(instance_id="i-stray", source_server_id=sid(1), state="stopped", protected=False)],
        {},
    )
    assert "i-1 (a RECOVERY" in blocked(found, "i-stray")
    assert "i-stray (stopped" in blocked(found, "i-1")
    assert " and " in blocked(found)
    assert blocked(found, "i-1", "i-stray") is None


def test_an_obstacle_refuses_its_own_server_alone():
    """And a server that was not asked about is not answered for."""
    found = doomed([instance(2, is_drill=False)], [], {})
    assert {sid(1): None} == obstacles([sid(1)], found, ())
    answers = obstacles([sid(1), sid(2)], found, ())
    assert (None, True) == (answers[sid(1)], bool(answers[sid(2)]))
