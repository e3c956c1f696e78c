"""What a launch would destroy, and who may let it."""

import pytest

from drskit.guard import doomed, obstacles, survey
from drskit.model import RecoveryInstance, TaggedInstance
from tests.builders import job_of, sid
from tests.harness import house, runbook_of

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


def tagged(number=1, state="running"):
    """What EC2 knows of an instance."""
    return TaggedInstance(instance_id=f"i-{number}", source_server_id=sid(number), state=state)


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


def test_no_drill_terminates_what_a_recovery_of_ours_launched_even_where_it_is_named():
    """Its cleanup does, after what must be typed for it; a recovery whose authorisation names it may."""
    (found,) = doomed([instance(is_drill=False)], [tagged()], jobs({**OURS, "drskit:ExecutionType": "RECOVERY"}))
    assert "or clean the recovery up if it may go: drskit cleanup 01OURS" in blocked([found], "i-1")
    assert obstacles([sid(1)], [found], ["i-1"], for_real=True)[sid(1)] is None


@pytest.mark.parametrize(
    ("changes", "tags", "words"),
    [
        ({}, {}, "a drill, running, launched not by drskit"),
        ({"is_drill": False}, OURS, "a RECOVERY, running, launched not by drskit"),
        (
            {"is_drill": False},
            {**OURS, "drskit:ExecutionType": "RECOVERY"},
            "a RECOVERY, running, launched by drskit's recovery 01OURS",
        ),
        ({"is_drill": None}, OURS, "of unknown kind, running, launched not by drskit"),
        ({}, {**OURS, "drskit:ExecutionType": "RECOVERY"}, "a drill, running, launched not by drskit"),
        ({"job_id": "drsjob-gone"}, OURS, "a drill, running, launched by drsjob-gone, which DRS no longer has"),
        ({"job_id": None}, OURS, "a drill, running, launched not by drskit"),
        ({"state": "STOPPED"}, {}, "a drill, stopped, launched not by drskit"),
        ({"state": ""}, {}, "a drill, in an unknown state, launched not by drskit"),
        ({"state": "NAPPING"}, {}, "a drill, napping, launched not by drskit"),
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


@pytest.mark.parametrize("state", ["TERMINATED", "SHUTTING-DOWN"])
@pytest.mark.parametrize("in_ec2", ["pending", "running", "stopping", "stopped"])
def test_who_is_alive_in_ec2_counts_whatever_drs_says(state, in_ec2):
    """It would be terminated."""
    text = blocked(doomed([instance(is_drill=False, state=state)], [tagged(state=in_ec2)], jobs({})))
    assert f"i-1 (a RECOVERY, {state.lower()} says DRS, {in_ec2} says EC2, launched not by drskit)" in text


def test_a_drill_of_ours_that_only_ec2_calls_alive_may_go():
    """Its job tells whose it is."""
    (found,) = doomed([instance(state="TERMINATED")], [tagged()], jobs(OURS))
    assert found.ours


def test_who_is_alive_in_drs_counts_whatever_ec2_says():
    """It may have lost its tag; what nobody knows blocks."""
    assert "i-1 (a RECOVERY, running" in blocked(doomed([instance(is_drill=False)], [], {}))
    assert "i-1 (a RECOVERY, running" in blocked(doomed([instance(is_drill=False)], [tagged(state="terminated")], {}))


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
        [tagged(), TaggedInstance(instance_id="i-stray", source_server_id=sid(1), state="stopped")],
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


# --- over DRS and EC2 ------------------------------------------------------------------------------------------------

WORLD = """
region: us-west-2
start: 2026-03-02T09:00:00Z
seed: 1
servers:
  - id: s-5a4c1e0b7d2f93861
    name: db-1
    tags: {Application: guarded}
    instances: [{id: i-0a1b2c3d4e5f60718, launched: 2026-03-01T09:00:00Z, drill: false, protected: true}]
  - id: s-5b83d60f4a91c2e75
    name: db-2
    tags: {Application: guarded}
"""
GUARDED = """
version: 1
plan: guarded
sites: {main: {region: us-west-2}}
groups:
  all: {select: {tags: {Application: guarded}}}
waves:
  - {name: All, groups: [all]}
"""
DB_1 = "s-5a4c1e0b7d2f93861"
STANDING = "i-0a1b2c3d4e5f60718"


def asked(session):
    """The operations that the session's clients will ask."""
    names = []
    session.clients._session.events.register(
        "before-call", lambda event_name, **_: names.append(event_name.rpartition(".")[2])
    )
    return names


def test_termination_protection_keeps_an_instance_and_lets_the_launch_pass():
    """DRS cannot terminate it."""
    with house(text=WORLD) as home:
        assert () == survey(home.session.recovery("us-west-2"), [DB_1])
        ec2 = home.session.clients.ec2("us-west-2")
        ec2.modify_instance_attribute(InstanceId=STANDING, DisableApiTermination={"Value": False})
        (found,) = survey(home.session.recovery("us-west-2"), [DB_1])
        assert (STANDING, False) == (found.instance_id, found.ours)


def test_only_what_would_refuse_a_launch_is_asked_for_its_protection():
    """Drills of ours may go either way; so the questions do not grow with them."""
    with house(text=WORLD) as home:
        home.session.start(runbook_of(GUARDED))
        home.finish()
        session = home.another_session()
        names = asked(session)
        found = survey(session.recovery("us-west-2"), [DB_1, "s-5b83d60f4a91c2e75"])
        assert [True, True] == [instance.ours for instance in found]
        assert 1 == names.count("DescribeInstanceAttribute")


def test_the_preview_says_what_protection_may_keep():
    """A drill of ours is terminated unless it is protected; what was named goes for certain."""
    from drskit.views.preview import preview_text

    with house(text=WORLD) as home:
        ec2 = home.session.clients.ec2("us-west-2")
        ec2.modify_instance_attribute(InstanceId=STANDING, DisableApiTermination={"Value": False})
        runbook = runbook_of(GUARDED)
        named = preview_text(home.session.preview(runbook, replace=(STANDING,)))
        assert f"TERMINATES {STANDING} (a RECOVERY, running, launched " in plain_spaces(named)
        home.session.start(runbook, replace=(STANDING,))
        home.finish()
        text = plain_spaces(preview_text(home.session.preview(runbook)))
        assert 2 == text.count("Terminates i-")
        assert 2 == text.count(", unless its termination protection is on")


def plain_spaces(text):
    """A text whose lines may be broken anywhere."""
    return " ".join(text.split())
