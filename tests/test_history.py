"""Every change is an event, and no event can be changed without a trace."""

import json

import pytest

from drskit.bounds import bounded
from drskit.history import first_event, narrate
from drskit.model import CommandKind, Event, JobLog, OnFailure, Phase, PhaseSpan
from drskit.ports import Unknown
from drskit.seals import log_digest, state_digest
from drskit.verify import faults
from drskit.witness import Foreign
from tests.builders import START, Walk, at, execution_of, job_of, line, sid, wave


class Told(Walk):
    """A walk that writes its history."""

    def __init__(self, execution):
        execution, event = first_event(execution)
        self.events = [event]
        super().__init__(execution)

    def __setattr__(self, name, value):
        """Every new state of the execution is told."""
        before = self.__dict__.get("execution")
        if name == "execution" and before is not None and before != value:
            value, events = narrate(before, value, now=self.now, actor="poller")
            assert events, "a change without an event"
            self.events += events
        super().__setattr__(name, value)

    def kinds(self):
        return [event.kind for event in self.events]

    def last(self, kind):
        return next(event for event in reversed(self.events) if event.kind == kind)


def drill() -> Told:
    """A whole drill: a throttle, a lost reply, a failed server, a verdict."""
    walk = Told(execution_of((wave("Database", on_failure=OnFailure.PAUSE), 2), (wave("Application"), 1)))
    walk.run()
    walk.refuse("ThrottlingException", "slow down")
    walk.run(30)
    job = walk.launch()
    walk.job_goes_on(job)
    walk.logs[job.job_id] = (line("SNAPSHOT_START", 31), line("SNAPSHOT_END", 32), line("CONVERSION_START", 90))
    walk.run(60)
    walk.job_ends(job, sid(2))
    walk.run(600)
    walk.command(CommandKind.RESUME)
    walk.run()
    walk.reply(Unknown("ReadTimeout"))
    walk.run(15)
    walk.witnesses[walk.launches[-1].attempt_id] = Foreign(job_of(9), (sid(3),))
    walk.run(420)
    walk.command(CommandKind.CANCEL)
    walk.run()
    return walk


def broken(events) -> int | None:
    """The number of the first event that does not continue the chain; None when all do."""
    previous = ""
    for number, event in enumerate(events, start=1):
        if event.sequence != number or event != event.sealed(previous):
            return number
        previous = event.hash
    return None


def test_every_change_is_told():
    """In the order in which it happened, by the one who did it."""
    walk = drill()
    assert (
        [
            "EXECUTION_STARTED",
            "EXECUTION_CHANGED",  # POLLING
            "ATTEMPT_INTENT",
            "WAVE_CHANGED",  # PREPARING
            "ATTEMPT_NOT_EXECUTED",
            "WAVE_DELAYED",
            "EXECUTION_CHANGED",  # what it waits for
            "ATTEMPT_INTENT",
        ]
        == walk.kinds()[:8]
    )
    missing = {"ATTEMPT_LAUNCHED", "ATTEMPT_FOREIGN", "JOB_CHANGED", "SERVERS_CHANGED", "WAVE_OVERRIDDEN"} | {
        "COMMAND_RECEIVED",
        "COMMAND_ACKNOWLEDGED",
    }
    assert missing <= set(walk.kinds())
    assert "CANCELLED" == walk.last("EXECUTION_CHANGED").facts["To"]


def test_events_are_counted_in_the_execution():
    """So a reader knows when some are missing at the end; the head is the last hash."""
    walk = drill()
    assert (len(walk.events), walk.events[-1].hash) == (walk.execution.events, walk.execution.head)
    assert list(range(1, len(walk.events) + 1)) == [event.sequence for event in walk.events]


def test_every_write_raises_the_version():
    """By one, and one event at least says so: the version is part of what is sealed."""
    before, _ = first_event(execution_of((wave("Database"), 1)))
    after, events = narrate(before, before, now=START, actor="poller")
    assert (before.version + 1, events[0].hash) == (after.version, after.head)
    assert ["EXECUTION_NOTED"] == [event.kind for event in events]


def test_the_first_event_holds_what_was_decided_at_the_start():
    """Plan, digest, groups as resolved, and what may be replaced."""
    execution, event = first_event(execution_of((wave("Database"), 2), replace=("i-1",)))
    assert ("EXECUTION_STARTED", 1, "", execution.started_by) == (
        event.kind,
        event.sequence,
        event.previous,
        event.actor,
    )
    assert (execution.digest, ["i-1"]) == (event.facts["Digest"], event.facts["Replace"])
    assert [sid(1), sid(2)] == event.facts["Groups"][0]["Servers"]


def test_an_attempt_is_told_with_all_that_makes_it_findable():
    """Wave, chunk, number, id and servers; then its job, or why not."""
    walk = drill()
    assert [sid(3)] == walk.last("ATTEMPT_INTENT").facts["Servers"]
    assert "drsjob-00000000000000001" == walk.last("ATTEMPT_LAUNCHED").facts["JobId"]
    refused = next(event for event in walk.events if event.kind == "ATTEMPT_NOT_EXECUTED")
    assert "ThrottlingException: slow down" == refused.facts["Reason"]
    assert "of somebody else launches" in walk.last("ATTEMPT_FOREIGN").facts["Reason"]


def test_a_refusal_that_leaves_the_intent_open_is_told():
    """Conflict decides nothing by itself."""
    walk = Told(execution_of((wave("Database"), 2)))
    walk.run()
    walk.refuse("ConflictException", "being processed")
    assert "ConflictException: being processed" == walk.last("ATTEMPT_REFUSED").facts["Reason"]


def test_a_command_is_told_twice():
    """When it came, by the person, and when it was obeyed, by the engine."""
    walk = drill()
    received, acknowledged = walk.last("COMMAND_RECEIVED"), walk.last("COMMAND_ACKNOWLEDGED")
    assert ("mira", "cancel", "looked at it") == (received.actor, received.facts["Command"], received.facts["Reason"])
    assert ("poller", "mira") == (acknowledged.actor, acknowledged.facts["By"])
    assert "mira" == walk.last("WAVE_OVERRIDDEN").actor


def test_a_failed_server_is_told_with_its_error():
    """And only the servers that changed."""
    walk = drill()
    servers = next(
        event.facts["Servers"]
        for event in walk.events
        if event.kind == "SERVERS_CHANGED" and any(server["Error"] for server in event.facts["Servers"])
    )
    assert {"LAUNCHED", "FAILED"} == {server["Status"] for server in servers}


def test_a_phase_that_began_again_is_told():
    """Times alone are a change, too."""
    before, _ = first_event(execution_of((wave("Database"), 1)))

    def with_snapshot(seconds):
        run = before.waves[0]
        phases = (PhaseSpan(phase=Phase.SNAPSHOT, start_time=at(seconds)),)
        server = run.servers[0].model_copy(update={"phases": phases})
        return before.model_copy(update={"waves": (run.model_copy(update={"servers": (server,)}),)})

    _, events = narrate(with_snapshot(1), with_snapshot(300), now=at(301), actor="poller")
    assert ["SERVERS_CHANGED"] == [event.kind for event in events]


def test_a_change_without_words_is_noted_with_its_fields():
    """Of the execution, a wave, an attempt or a command; with its new value, so that it can be told which."""
    walk = drill()
    before = walk.execution
    first, attempt, command = before.waves[0], before.attempts[0], before.commands[0]
    after = before.model_copy(
        update={
            "due": at(900),
            "waves": (first.model_copy(update={"not_before": at(901)}), *before.waves[1:]),
            "attempts": (attempt.model_copy(update={"excused": ("drsjob-1",)}), *before.attempts[1:]),
            "commands": (command.model_copy(update={"answer": "other"}), *before.commands[1:]),
        }
    )
    _, events = narrate(before, after, now=at(902), actor="poller")
    times = {time: time.isoformat().replace("+00:00", "Z") for time in (at(900), at(901))}
    assert [
        ("COMMAND_NOTED", {"Answer": "other"}),
        ("ATTEMPT_NOTED", {"Excused": ["drsjob-1"]}),
        ("WAVE_NOTED", {"NotBefore": times[at(901)]}),
        ("EXECUTION_NOTED", {"Due": times[at(900)]}),
    ] == [(event.kind, event.facts["Fields"]) for event in events]


def test_a_history_tells_every_field():
    """Told one after the other, the events make the execution that they are about; each write seals its state."""
    walk = drill()
    assert () == faults(walk.execution, walk.events)
    assert walk.execution.version == sum("State" in event.facts for event in walk.events)


def test_an_attempt_that_is_kept_no_more_is_told():
    """The history goes on without it; one that is missing and was not told shows."""
    walk = drill()
    fewer = walk.execution.model_copy(update={"attempts": walk.execution.attempts[1:]})
    after, events = narrate(walk.execution, fewer, now=at(902), actor="poller")
    assert ["ATTEMPT_FORGOTTEN"] == [event.kind for event in events]
    assert () == faults(after, (*walk.events, *events))
    gone = walk.execution.attempts[0].attempt_id
    assert f"Attempt {gone} of the history is missing here." in faults(
        walk.execution.model_copy(update={"attempts": fewer.attempts}), walk.events
    )


def test_a_state_is_sealed_as_it_is_stored():
    """With its texts cut as the tables keep them, or it would never be found again as it was sealed."""
    before, _ = first_event(execution_of((wave("Database"), 1)))
    told, events = narrate(before, before.model_copy(update={"waiting_for": "x" * 5000}), now=at(1), actor="poller")
    assert (bounded(told), state_digest(told)) == (told, events[-1].facts["State"])


def test_a_log_is_sealed_when_it_is_kept():
    """By its digest and the number of its lines; a log without lines is not kept."""
    before, _ = first_event(execution_of((wave("Database"), 1)))
    log = JobLog(job_id="drsjob-1", wave_name="Database", entries=(line("JOB_START", 1), line("JOB_END", 2)))
    empty = log.model_copy(update={"job_id": "drsjob-2", "entries": ()})
    _, events = narrate(before, before, now=at(3), actor="poller", logs=(log, empty))
    assert ["LOG_RECORDED"] == [event.kind for event in events]
    assert ("drsjob-1", 2, log_digest(log)) == tuple(events[0].facts[name] for name in ("JobId", "Lines", "Digest"))


# --- the chain -------------------------------------------------------------------------------------------------------


def test_the_chain_holds():
    """Each event carries the hash of the one before; the first carries none."""
    events = drill().events
    assert broken(events) is None
    assert "" == events[0].previous
    assert all(64 == len(event.hash) for event in events)


def test_a_sealed_event_reproduces():
    """Sealed again, or read back from JSON, it has the same hash."""
    for event in drill().events:
        assert event == event.sealed(event.previous)
        read = Event.model_validate(json.loads(json.dumps(event.to_json())))
        assert event.hash == read.sealed(read.previous).hash


@pytest.mark.parametrize("number", [1, 5, 9])
@pytest.mark.parametrize("change", [{"actor": "nobody"}, {"time": at(7)}, {"kind": "NOTHING"}, {"facts": {"To": "x"}}])
def test_an_edited_event_shows(number, change):
    """At its own place; sealed anew, at the next."""
    events = drill().events
    edited = events[number - 1].model_copy(update=change)
    assert number == broken([*events[: number - 1], edited, *events[number:]])
    forged = edited.sealed(edited.previous)
    assert number + 1 == broken([*events[: number - 1], forged, *events[number:]])


def test_a_missing_or_moved_event_shows():
    """Wherever it was."""
    events = drill().events
    assert 3 == broken([*events[:2], *events[3:]])
    assert 3 == broken([*events[:2], events[3], events[2], *events[4:]])
    assert 4 == broken([*events[:3], events[2], *events[3:]])


def test_a_history_that_is_cut_at_its_end_shows_by_the_execution():
    """The chain alone cannot tell; the count and the head can."""
    walk = drill()
    cut = walk.events[:-1]
    assert broken(cut) is None
    assert (len(cut), cut[-1].hash) != (walk.execution.events, walk.execution.head)
