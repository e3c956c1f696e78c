"""What became of servers, read from a job and its log."""

from datetime import timedelta

import pytest

from drskit.launches import explain, learn_launch, spans, typical_launch
from drskit.model import JobServer, Phase, PhaseSpan, ServerRun, ServerStatus
from tests.builders import START, at, job_of, line, sid

S = ServerStatus
GOOD = (
    line("SNAPSHOT_START", 1),
    line("SNAPSHOT_END", 2),
    line("CONVERSION_START", 60),
    line("CONVERSION_END", 245),
    line("LAUNCH_START", 247),
    line("LAUNCH_END", 540),
)


def shown(*entries):
    """Phases as words and seconds."""

    def seconds(time):
        return None if time is None else (time - START).total_seconds()

    return [(span.phase.value, seconds(span.start_time), seconds(span.end_time)) for span in spans(entries)]


# --- phases ----------------------------------------------------------------------------------------------------------


def test_a_launch_has_its_phases_in_their_order():
    """Snapshot, conversion, launch; a cleanup before them when an earlier instance is replaced."""
    cleanup = (line("CLEANUP_START", 0), line("CLEANUP_END", 0.5))
    assert [("CLEANUP", 0, 0.5), ("SNAPSHOT", 1, 2), ("CONVERSION", 60, 245), ("LAUNCH", 247, 540)] == shown(
        *cleanup, *GOOD
    )


def test_a_phase_that_lasts_has_no_end():
    """The log ends where the launch is."""
    assert [("SNAPSHOT", 1, 2), ("CONVERSION", 60, None)] == shown(*GOOD[:3])


@pytest.mark.parametrize(
    ("event", "phase"),
    [
        ("CLEANUP_FAIL", "CLEANUP"),
        ("SNAPSHOT_FAIL", "SNAPSHOT"),
        ("USING_PREVIOUS_SNAPSHOT", "SNAPSHOT"),
        ("USING_PREVIOUS_SNAPSHOT_FAILED", "SNAPSHOT"),
        ("CONVERSION_FAIL", "CONVERSION"),
        ("LAUNCH_FAILED", "LAUNCH"),
        ("LAUNCH_END", "LAUNCH"),
    ],
)
def test_a_phase_may_end_by_other_words(event, phase):
    """LAUNCH_END is in no model of botocore's, and real."""
    assert [(phase, 3, 9)] == shown(line(f"{phase}_START", 3), line(event, 9))


def test_words_that_nobody_knows_are_passed_over():
    """A new word of DRS's is no crash and no phase."""
    assert [("SNAPSHOT", 1, 2)] == shown(line("DEPLOY_NETWORK_START", 0), *GOOD[:2], line("SOMETHING_NEW", 3))


def test_a_missing_start_is_taken_from_the_end():
    """Any line may be missing."""
    assert [("CONVERSION", 245, 245), ("LAUNCH", 247, None)] == shown(*GOOD[3:5])


def test_a_phase_that_begins_again_replaces_its_earlier_span():
    """And comes last."""
    again = (line("SNAPSHOT_START", 300), line("SNAPSHOT_END", 301))
    assert [("CONVERSION", 60, None), ("SNAPSHOT", 300, 301)] == shown(*GOOD[:3], *again)


# --- a server after a look -------------------------------------------------------------------------------------------


def learn(word, entries=(), *, status="STARTED", end=None, server=None):
    server = server or ServerRun(source_server_id=sid(1), status=S.LAUNCHING, job_id="drsjob-1")
    parts = (JobServer(source_server_id=sid(1), launch_status=word),) if word != "absent" else ()
    job = job_of(status=status, end_time=end).model_copy(update={"servers": parts})
    return learn_launch(server, job, tuple(entries), at(1_000))


@pytest.mark.parametrize("word", ["PENDING", "IN_PROGRESS", "A_NEW_WORD", None])
def test_a_server_is_launching_until_drs_says_otherwise(word):
    """Whatever the word, and whatever the log says: LAUNCH_END is not the contract."""
    server = learn(word, GOOD)
    assert (S.LAUNCHING, word, None) == (server.status, server.launch_status, server.end_time)
    assert 3 == len(server.phases)


def test_a_launched_server_ended_when_its_log_says():
    """Else with its job, else now."""
    assert (S.LAUNCHED, at(540)) == ((server := learn("LAUNCHED", GOOD)).status, server.end_time)
    assert at(545) == learn("LAUNCHED", GOOD[:5], status="COMPLETED", end=at(545)).end_time
    assert at(1_000) == learn("LAUNCHED").end_time


@pytest.mark.parametrize("word", ["FAILED", "TERMINATED"])
def test_a_failed_server_says_why(word):
    """In DRS's own words where there are any."""
    server = learn(word, (*GOOD[:5], line("LAUNCH_FAILED", 900, error="no capacity")))
    assert (S.FAILED, at(900), "LAUNCH_FAILED: no capacity") == (server.status, server.end_time, server.error)


@pytest.mark.parametrize("word", ["PENDING", "IN_PROGRESS", "absent"])
def test_a_job_that_ends_without_a_word_decides_nothing(word):
    """COMPLETED says nothing about success, and nothing about failure either; its log may."""
    assert S.LAUNCHING == learn(word, GOOD[:5], status="COMPLETED", end=at(500)).status
    server = learn(word, (*GOOD[:5], line("LAUNCH_FAILED", 490, error="no capacity")), status="COMPLETED", end=at(500))
    assert (S.FAILED, at(490)) == (server.status, server.end_time)
    assert "is COMPLETED and its log says LAUNCH_FAILED: no capacity" in server.error


@pytest.mark.parametrize("status", [S.LAUNCHED, S.FAILED, S.SKIPPED])
def test_what_is_settled_stays_settled(status):
    """A later TERMINATED of a cleanup makes no failure of a good launch."""
    server = ServerRun(source_server_id=sid(1), status=status, job_id="drsjob-1")
    assert (status, "TERMINATED") == ((after := learn("TERMINATED", server=server)).status, after.launch_status)


def test_an_unknown_server_can_still_be_seen():
    """It was out of sight, and is launched."""
    server = ServerRun(source_server_id=sid(1), status=S.UNKNOWN, job_id="drsjob-1", error="out of sight")
    assert (S.LAUNCHED, None) == ((after := learn("LAUNCHED", server=server)).status, after.error)


def test_the_same_look_changes_nothing():
    """The same value comes back, so nothing is written."""
    server = learn("PENDING", GOOD)
    assert server is learn("PENDING", GOOD, server=server)


# --- why it failed ---------------------------------------------------------------------------------------------------


def test_denied_conversion_rights_are_recognised():
    """The signature has no failure event and no error: the job simply ends after the snapshot (drs-facts §5.4)."""
    text = explain("FAILED", GOOD[:2])
    assert text.startswith("DRS says FAILED after SNAPSHOT, with no error in the job log")
    assert "missing EC2 permissions" in text


def test_a_conversion_that_began_was_not_denied():
    """A server that failed during its conversion is not explained by the permissions for it."""
    text = explain("FAILED", GOOD[:3])
    assert "DRS says FAILED during CONVERSION, with no error in the job log" == text


def test_denied_launch_rights_are_quoted():
    """LAUNCH_FAILED after long retries, with the error that DRS gives."""
    error = "UnauthorizedOperation: You are not authorized to perform ec2:DetachVolume"
    assert f"LAUNCH_FAILED: {error}" == explain("FAILED", (*GOOD[:5], line("LAUNCH_FAILED", 1_150, error=error)))


def test_a_key_that_must_not_be_used_is_quoted():
    """Any line with an error counts, whatever its event."""
    error = "AuthFailure: Not authorized to use key"
    entries = (GOOD[0], line("SNAPSHOT_END", 2, error=error))
    assert f"SNAPSHOT_END: {error}" == explain("FAILED", entries)


@pytest.mark.parametrize(
    "event", ["SNAPSHOT_FAIL", "USING_PREVIOUS_SNAPSHOT_FAILED", "CONVERSION_FAIL", "SERVER_SKIPPED"]
)
def test_a_failure_without_a_reason_says_so(event):
    """Its own word is all there is."""
    assert f"{event}, without a reason from DRS" == explain("FAILED", (line(event, 600),))


def test_the_last_failure_counts():
    """Earlier ones were got over."""
    entries = (line("SNAPSHOT_FAIL", 3), line("CONVERSION_FAIL", 600, error="conversion server stopped"))
    assert "CONVERSION_FAIL: conversion server stopped" == explain("FAILED", entries)


def test_an_empty_log_explains_nothing():
    """And claims nothing."""
    assert "DRS says FAILED, with no error in the job log" == explain("FAILED", ())


# --- how long a launch takes -----------------------------------------------------------------------------------------


def test_the_typical_launch_is_the_median_of_those_that_came_up():
    """A launch that DRS gave up after ten minutes of retries says nothing about the next one."""

    def server(status, seconds):
        span = PhaseSpan(phase=Phase.LAUNCH, start_time=START, end_time=seconds and at(seconds))
        return ServerRun(source_server_id=sid(1), status=status, phases=(span,))

    assert typical_launch([]) is None
    assert typical_launch([server(S.LAUNCHING, None), server(S.FAILED, 900)]) is None
    servers = [server(S.LAUNCHED, 300), server(S.LAUNCHED, 280), server(S.VERIFIED, 310), server(S.FAILED, 900)]
    assert timedelta(seconds=300) == typical_launch(servers)
