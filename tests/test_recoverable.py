"""What cannot be recovered and why: from facts that DRS gives, each with what to do about it."""

from datetime import timedelta

import pytest

from drskit.model import Job, JobServer, LaunchSettings
from drskit.recoverable import Closer, Facts, Verdict, findings, verdict
from tests.builders import START, sid, source

SETTINGS = LaunchSettings(source_server_id=sid(1), template_id="lt-0a1b2c3d4e5f60718", disposition="STARTED")


def asked(**closer):
    """DRS was asked about the first server alone, too; it answered well, except for what is given."""
    found = {"snapshot_time": START - timedelta(minutes=5), "settings": SETTINGS, **closer}
    return Facts(START, closer={sid(1): Closer(**found)})


def told(server, facts=None):
    return [str(finding) for finding in findings(server, facts or asked())]


def test_a_healthy_server_can_be_recovered():
    """Once DRS was asked about it alone; before, nobody knows."""
    assert (Verdict.YES, ()) == (verdict(source(1), asked()), findings(source(1), asked()))
    assert Verdict.UNKNOWN is verdict(source(1), Facts(START))


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("DISCONNECTED", "it is DISCONNECTED since 2026-11-23 08:00:00Z (AGENT_NOT_SEEN). Reconnect or reinstall"),
        ("STOPPED", "its replication is STOPPED (AGENT_NOT_SEEN). Start its replication"),
        ("INITIATING", "its replication is INITIATING (AGENT_NOT_SEEN). Wait"),
        ("INITIAL_SYNC", "its initial sync is not over, 40 % done (AGENT_NOT_SEEN). Wait for its end"),
        ("", "its replication state is not told. Look at it"),
    ],
)
def test_a_server_without_a_recovery_point_cannot_be_recovered(state, words):
    """One of them refuses a whole launch request."""
    server = source(
        1, replication_state=state, replicated_percent=40, replication_error="AGENT_NOT_SEEN",
        last_seen=START - timedelta(hours=1),
    )  # fmt: skip
    assert Verdict.NO is verdict(server, asked())
    assert told(server)[0].startswith(words)


@pytest.mark.parametrize("state", ["STALLED", "PAUSED", "BACKLOG", "RESCAN"])
def test_a_server_that_limps_can_be_recovered_from_an_older_point(state):
    """AWS allows it; people should know of it."""
    server = source(1, replication_state=state)
    assert Verdict.RISKY is verdict(server, asked())
    assert state in told(server)[0]


def test_a_server_that_lags_or_is_silent_is_told():
    """With how much would be lost."""
    server = source(1, lag=timedelta(minutes=42), last_seen=START - timedelta(hours=3))
    assert [
        "it lags 42 min behind. So much is lost if it is recovered now; look at why.",
        f"its agent was last seen at {(START - timedelta(hours=3)):%Y-%m-%d %H:%M:%SZ}. Look whether the machine runs.",
    ] == told(server)


def test_a_server_in_a_running_job_has_to_wait():
    """DRS runs one job a server at a time; one that is over does no harm."""
    part = (JobServer(source_server_id=sid(1)),)
    job = Job(job_id="drsjob-1", job_type="LAUNCH", status="STARTED", creation_time=START, servers=part)
    facts = Facts(START, jobs=(job,))
    assert Verdict.NO is verdict(source(1), facts)
    assert "LAUNCH job drsjob-1 (STARTED since 2026-11-23 09:00:00Z) is working on it" in told(source(1), facts)[0]
    assert Verdict.UNKNOWN is verdict(source(2), facts)
    over = Facts(START, jobs=(job.model_copy(update={"status": "COMPLETED"}),))
    assert () == findings(source(1), over)


def test_a_server_without_snapshots_or_launch_settings_cannot_be_recovered():
    """What only a question for this server alone tells."""
    assert "it has no recovery snapshot" in told(source(1), asked(snapshot_time=None))[0]
    assert "its launch settings are missing" in told(source(1), asked(settings=None))[0]
    bare = SETTINGS.model_copy(update={"template_id": None})
    assert "it has no EC2 launch template" in told(source(1), asked(settings=bare))[0]
    old = asked(snapshot_time=START - timedelta(days=1))
    assert "its newest recovery snapshot is of 2026-11-22 09:00:00Z" in told(source(1), old)[0]
    assert Verdict.RISKY is verdict(source(1), old)


def test_an_extension_or_a_disk_with_an_error_blocks():
    """And what blocks stands before what does not."""
    server = source(1, staging_status="EXTENSION_ERROR", volume_troubles=("/dev/xvda PENDING",), lag=timedelta(hours=1))
    assert [True, True, False] == [finding.blocks for finding in findings(server, asked())]
    assert "/dev/xvda PENDING" in told(server)[1]
