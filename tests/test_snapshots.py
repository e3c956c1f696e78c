"""Recovery from the past: what is chosen before the start, asked of DRS, launched again, and refused."""

from datetime import UTC, datetime, timedelta

import pytest

from drskit.errors import InvalidRunbook
from drskit.model import CommandKind, Execution, ExecutionStatus, RecoverySnapshot, Runbook, ServerStatus
from drskit.store.limits import ensure_fits
from tests.builders import execution_of, wave
from tests.harness import House, final, house, runbook_of

S, X = ServerStatus, ExecutionStatus
ORDERS, LEDGER, BLANK = "s-6c0c1d2e3f4a5b6c1", "s-6c0c1d2e3f4a5b6c2", "s-6c0c1d2e3f4a5b6c3"
WORLD = f"""
region: us-west-2
start: 2026-03-02T09:00:00Z
seed: 23
servers:
  - {{id: {ORDERS}, name: orders, tags: {{Tier: data}}, fails: [no-capacity]}}
  - {{id: {LEDGER}, name: ledger, tags: {{Tier: ledger}}}}
  - {{id: {BLANK}, name: blank, tags: {{Tier: blank}}, snapshots: {{since: 2026-03-02T08:45:00Z}}}}
"""


def book(*groups: str, snapshots: str, approve: str = "") -> Runbook:
    """A wave of each of these groups, from these snapshots; the last wave may ask for an approval."""
    waves = [f"  - {{name: {group.title()}, groups: [{group}]{approve * (group == groups[-1])}}}" for group in groups]
    lines = "".join(f"  {group}: {{select: {{tags: {{Tier: {group}}}}}}}\n" for group in groups)
    return runbook_of(
        f"version: 1\nplan: past\nsites: {{main: {{region: us-west-2}}}}\ngroups:\n{lines}waves:\n"
        + "\n".join(waves)
        + f"\nsnapshots: {snapshots}\n"
    )


def points(home: House, server_id: str) -> dict[str, str]:
    """The server's recovery snapshots by their time of day."""
    found = home.session.recovery("us-west-2").snapshots(server_id)
    return {f"{point.time:%d %H:%M}": point.snapshot_id for point in found}


def complaint(home: House, runbook: Runbook) -> str:
    """Why the start is refused; the preview says the same, and nothing is started."""
    with pytest.raises(InvalidRunbook) as shown:
        home.session.preview(runbook)
    with pytest.raises(InvalidRunbook) as refused:
        home.session.start(runbook)
    assert shown.value.complaints == refused.value.complaints
    assert ((), ()) == home.session.executions()
    return "\n".join(refused.value.complaints)


def servers(execution: Execution) -> list:
    """All servers of an execution."""
    return [server for wave in execution.waves for server in wave.servers]


def test_the_newest_one_from_before_a_time_is_asked_for():
    """Strictly before: one of that very moment is too young."""
    with house(text=WORLD) as home:
        execution = home.session.start(book("ledger", snapshots="{before: 2026-03-02T08:30:00Z}"))
        expected = points(home, LEDGER)["02 08:20"]
        (server,) = servers(execution)
        assert (expected, datetime(2026, 3, 2, 8, 20, tzinfo=UTC)) == (
            server.snapshot.snapshot_id,
            server.snapshot.time,
        )
        home.finish()
        ended = final(home, execution)
        assert {LEDGER: expected} == ended.attempts[0].snapshots
        (server,) = servers(ended)
        assert (X.COMPLETED, server.snapshot.time) == (ended.status, server.snapshot_time)


def test_a_retry_asks_for_the_same_one():
    """Frozen at the start; newer ones that fit have come since, or not."""
    with house(text=WORLD) as home:
        execution = home.session.start(book("data", snapshots="{before: 2026-03-02T08:55:00Z}"))
        home.finish()
        assert X.FAILED is final(home, execution).status
        home.session.command(execution.execution_id, CommandKind.RETRY, reason="once more")
        home.finish()
        ended = final(home, execution)
        assert X.COMPLETED is ended.status
        first, second = ended.attempts
        assert first.snapshots == second.snapshots != {}
        assert f"{servers(ended)[0].snapshot_time:%H:%M}" == "08:50"


def test_the_newest_data_names_no_snapshot():
    """DRS takes one when it launches."""
    with house(text=WORLD) as home:
        execution = home.session.start(book("ledger", snapshots="{policy: latest}"))
        home.finish()
        ended = final(home, execution)
        assert ({}, None) == (ended.attempts[0].snapshots, servers(ended)[0].snapshot)


def test_single_servers_come_from_a_named_one_or_from_their_newest_data():
    """The rest from before the time."""
    with house(text=WORLD) as home:
        old = points(home, LEDGER)["01 12:00"]
        pins = f"{{before: 2026-03-02T08:40:00Z, servers: {{{LEDGER}: {old}, {BLANK}: latest}}}}"
        execution = home.session.start(book("data", "ledger", "blank", snapshots=pins))
        data, ledger, blank = servers(execution)
        assert (points(home, ORDERS)["02 08:30"], old, None) == (
            data.snapshot.snapshot_id,
            ledger.snapshot.snapshot_id,
            blank.snapshot,
        )


def test_a_server_without_one_that_fits_refuses_the_start():
    """With the way out."""
    with house(text=WORLD) as home:
        said = complaint(home, book("blank", snapshots="{before: 2026-03-02T08:30:00Z}"))
        assert f"snapshots.before: blank ({BLANK}) has no recovery snapshot from before 2026-03-02 08:30:00Z." in said
        assert f"Choose a later time, or write {BLANK}: latest below snapshots.servers." in said
        assert said.startswith("runbooks/test.yaml:8: ")


def test_a_time_to_come_refuses_the_start():
    """It would mean the newest by accident."""
    with house(text=WORLD) as home:
        said = complaint(home, book("ledger", snapshots="{before: 2026-03-02T09:30:00Z}"))
        assert "snapshots.before: 2026-03-02 09:30:00Z has not passed yet, it is 2026-03-02 09:00:" in said


def test_an_unknown_one_refuses_the_start():
    """Its server's newest is named; another server's is unknown, too."""
    with house(text=WORLD) as home:
        other = points(home, ORDERS)["02 08:50"]
        newest = points(home, LEDGER)["02 09:00"]
        said = complaint(home, book("ledger", snapshots=f"{{servers: {{{LEDGER}: {other}}}}}"))
        assert f"snapshots.servers.{LEDGER}: DRS has no recovery snapshot {other} of ledger ({LEDGER})." in said
        assert f"Its newest is {newest} of 2026-03-02 09:00:00Z." in said


def test_a_server_of_no_group_has_no_snapshot():
    """A slip of the pen would otherwise recover it from its newest data."""
    with house(text=WORLD) as home:
        said = complaint(home, book("data", snapshots=f"{{servers: {{{LEDGER}: latest}}}}"))
        assert f"snapshots.servers.{LEDGER}: {LEDGER} is in no group. Correct the id, or remove the line." in said


def test_one_that_expired_before_its_launch_fails_its_server_alone():
    """DRS keeps those of every ten minutes for an hour; the wave was approved three hours later."""
    with house(text=WORLD) as home:
        runbook = book("data", "ledger", snapshots="{before: 2026-03-02T08:55:00Z}", approve=", approve: Look")
        execution = home.session.start(runbook)
        home.finish(approve=False)
        home.session.command(execution.execution_id, CommandKind.RETRY, reason="no capacity")
        home.finish(approve=False)
        assert X.PAUSED is final(home, execution).status
        home.clock.sleep(timedelta(hours=3).total_seconds())
        home.finish()
        _, server = servers(final(home, execution))
        assert S.FAILED is server.status
        expected = f"DRS no longer has its recovery snapshot {server.snapshot.snapshot_id} of 2026-03-02 08:50:00Z"
        assert expected in server.error
        assert 2 == len(home.jobs())


def test_the_largest_plan_fits_with_a_snapshot_of_each_server():
    """3,000 servers in 30 waves: the first event names every snapshot, and no item passes its limit."""
    waves = tuple((wave(f"W{number}"), 100) for number in range(30))
    execution = execution_of(*waves)
    pin = RecoverySnapshot(snapshot_id="pit-" + "0" * 17, time=datetime(2026, 3, 2, 8, 20, 30, 123456, tzinfo=UTC))
    pinned = tuple(
        run.model_copy(update={"servers": tuple(server.model_copy(update={"snapshot": pin}) for server in run.servers)})
        for run in execution.waves
    )
    ensure_fits(execution.model_copy(update={"waves": pinned}))
