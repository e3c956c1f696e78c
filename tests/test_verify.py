"""A history that was tampered with shows it."""

import json
from datetime import timedelta

import pytest
from click.testing import CliRunner

from drskit.cli import main
from drskit.model import Event, Execution, ExecutionStatus, ServerStatus, WaveStatus
from drskit.report.evidence import write_run
from drskit.verify import faults, unsealed
from tests.harness import house, started
from tests.report import samples


def whole() -> tuple[Execution, tuple[Event, ...]]:
    """An execution whose first wave began, with its history of five sealed events."""
    execution = samples.completed().execution
    waves = tuple(wave.model_copy(update={"status": WaveStatus.PENDING, "servers": ()}) for wave in execution.waves)
    execution = execution.model_copy(
        update={"status": ExecutionStatus.POLLING, "waves": waves, "attempts": (), "commands": (), "end_time": None}
    )
    first = waves[0].wave_name
    told: list[tuple[str, dict[str, object]]] = [
        ("EXECUTION_CHANGED", {"From": "PENDING", "To": "POLLING"}),
        ("WAVE_CHANGED", {"Wave": first, "From": "PENDING", "To": "WAITING_APPROVAL"}),
        ("WAVE_CHANGED", {"Wave": first, "From": "WAITING_APPROVAL", "To": "PREPARING", "Number": 3}),
        ("WAVE_CHANGED", {"Wave": first, "From": "PREPARING", "To": "INITIATED"}),
        ("WAVE_CHANGED", {"Wave": first, "From": "INITIATED", "To": "IN_PROGRESS"}),
    ]
    started = (waves[0].model_copy(update={"status": WaveStatus.IN_PROGRESS}), *waves[1:])
    events: list[Event] = []
    head = ""
    for number, (kind, facts) in enumerate(told, 1):
        event = Event(sequence=number, time=execution.start_time, actor="mira", kind=kind, facts=facts).sealed(head)
        head = event.hash
        events.append(event)
    return execution.model_copy(update={"waves": started, "events": 5, "head": head}), tuple(events)


def test_an_untouched_history_has_no_faults():
    """Every hash follows from the one before, and the header names the last."""
    execution, events = whole()
    assert () == faults(execution, events)


def test_an_edited_event_is_named():
    """Changed facts no longer make the event's hash."""
    execution, events = whole()
    edited = events[2].model_copy(update={"facts": {"Number": 30}})
    assert ("Event 3 (WAVE_CHANGED) was changed after it was written.",) == faults(
        execution, (*events[:2], edited, *events[3:])
    )


def test_an_event_that_was_sealed_anew_breaks_the_next():
    """Whoever edits an event and its hash breaks the chain at the one that follows."""
    execution, events = whole()
    edited = events[2].model_copy(update={"facts": {"Number": 30}}).sealed(events[1].hash)
    assert ("Event 4 (WAVE_CHANGED) does not follow from the one before it.",) == faults(
        execution, (*events[:2], edited, *events[3:])
    )


@pytest.mark.parametrize(
    ("tampered", "expected"),
    [
        (lambda events: (*events[:1], *events[2:]), "Where event 2 should stand, there is event 3."),
        (lambda events: (events[1], events[0], *events[2:]), "Where event 1 should stand, there is event 2."),
        (lambda events: events[:-1], "The header counts 5 events, and there are 4."),
        (lambda events: (), "The header counts 5 events, and there are 0."),
    ],
)
def test_a_missing_or_moved_event_is_named(tampered, expected):
    """Removal, reordering and a cut tail show, as long as the header stands."""
    execution, events = whole()
    assert (expected,) == faults(execution, tampered(events))


def test_an_execution_that_says_other_than_its_history_is_named():
    """A forged outcome shows although every event is untouched: of a whole, of a wave, of a server and of a job."""
    with house("failing") as home:
        begun = started(home, "failing")
        home.finish()
        execution, events, _ = home.session.history(begun.execution_id)
    assert () == faults(execution, events)
    wave = execution.waves[1]
    broken = next(server for server in wave.servers if server.status is ServerStatus.FAILED)
    mended = broken.model_copy(
        update={"status": ServerStatus.LAUNCHED, "recovery_instance_id": "i-0123456789abcdef0", "error": None}
    )
    servers = tuple(mended if server is broken else server for server in wave.servers)
    forged_wave = wave.model_copy(update={"status": WaveStatus.COMPLETED, "servers": servers})
    attempt = execution.attempts[0].model_copy(update={"job_id": "drsjob-forged"})
    forged = execution.model_copy(
        update={
            "status": ExecutionStatus.COMPLETED,
            "waves": (execution.waves[0], forged_wave),
            "attempts": (attempt, *execution.attempts[1:]),
        }
    )
    found = faults(forged, events)
    server = f"Server {broken.source_server_id}"
    assert "The execution: Status is COMPLETED here, and FAILED by its history." == found[0]
    assert "Wave Application: Status is COMPLETED here, and FAILED by its history." == found[1]
    assert f"{server}: Status is LAUNCHED here, and FAILED by its history." == found[2]
    assert f"{server}: RecoveryInstanceId is i-0123456789abcdef0 here, and null by its history." == found[3]
    assert found[4].startswith(f"{server}: Error is null here, and ")
    assert f": JobId is drsjob-forged here, and {execution.attempts[0].job_id} by its history." in found[5]


@pytest.fixture(scope="module")
def drill():
    """A drill that failed, as the tables have it."""
    with house("failing") as home:
        begun = started(home, "failing")
        home.finish()
        return home.session.history(begun.execution_id)


def with_first_server(execution: Execution, **changes: object) -> Execution:
    """The execution with something else about the first server of its first wave."""
    wave = execution.waves[0]
    servers = (wave.servers[0].model_copy(update=changes), *wave.servers[1:])
    return execution.model_copy(update={"waves": (wave.model_copy(update={"servers": servers}), *execution.waves[1:])})


def test_a_forged_time_is_named_with_its_server_and_field(drill):
    """Which server, which time, and what the history says of it."""
    execution, events, logs = drill
    server = execution.waves[0].servers[0]
    forged = with_first_server(execution, snapshot_time=server.snapshot_time + timedelta(hours=1))
    here, told = (run.to_json()["SnapshotTime"] for run in (forged.waves[0].servers[0], server))
    about = f"Server {server.source_server_id}: SnapshotTime"
    assert (f"{about} is {here} here, and {told} by its history.",) == faults(forged, events, logs)


def test_what_no_event_names_is_sealed_all_the_same(drill):
    """Whether a server is critical is never told; the last event's digest holds it."""
    execution, events, logs = drill
    (said,) = faults(with_first_server(execution, critical=False), events, logs)
    assert said.startswith(f"The execution is not as event {len(events)} (")


def test_logs_are_held_against_their_digests(drill):
    """Edited, left out, or of a job that the history does not know."""
    execution, events, logs = drill
    first = logs[0]
    edited = first.model_copy(update={"entries": first.entries[1:]})
    assert (f"The log of {first.job_id} is not the one that its history sealed.",) == faults(
        execution, events, (edited, *logs[1:])
    )
    assert (f"The log of {first.job_id} is missing.",) == faults(execution, events, logs[1:])
    foreign = first.model_copy(update={"job_id": "drsjob-z"})
    assert ("The log of drsjob-z is in no event of the history.",) == faults(execution, events, (*logs, foreign))


def test_an_old_history_is_held_as_far_as_it_goes(drill):
    """Without seals: a forged status still shows, a forged time cannot, and what is not sealed is said."""
    execution, events, logs = drill
    bare: list[Event] = []
    for event in events:
        facts = {name: value for name, value in event.facts.items() if name not in ("State", "Fields", "PlanDigest")}
        if event.kind == "SERVERS_CHANGED":
            old = ("SourceServerId", "Name", "Status", "LaunchStatus", "Phase", "RecoveryInstanceId", "Error")
            facts["Servers"] = [{name: server[name] for name in old} for server in facts["Servers"]]
        if event.kind != "LOG_RECORDED":
            before = bare[-1].hash if bare else ""
            bare.append(event.model_copy(update={"sequence": len(bare) + 1, "facts": facts}).sealed(before))
    execution = execution.model_copy(update={"events": len(bare), "head": bare[-1].hash})
    assert () == faults(execution, bare, logs)
    sentences = unsealed(execution, bare, logs)
    assert 2 == len(sentences)
    assert logs[0].job_id in sentences[1]
    assert () == faults(with_first_server(execution, snapshot_time=None), bare, logs)
    assert () != faults(with_first_server(execution, status=ServerStatus.UNKNOWN), bare, logs)


def test_a_rewritten_history_does_not_end_where_the_header_says():
    """A whole other history of the same length has another last hash."""
    execution, events = whole()
    rewritten: list[Event] = []
    head = ""
    for event in events:
        rewritten.append(event.model_copy(update={"actor": "somebody"}).sealed(head))
        head = rewritten[-1].hash
    assert ("The last event is not the one that the header names.",) == faults(execution, rewritten)


def test_the_command_verifies_a_run_and_finds_what_was_edited(tmp_path):
    """From the folder alone: whole ends with 0, edited with 2 and the event's name."""
    execution, events = whole()
    written = write_run(tmp_path, execution, events, (), now=execution.start_time)
    runner = CliRunner()
    good = runner.invoke(main, ["verify", str(written.folder)])
    assert (0, True) == (good.exit_code, "is whole: 5 events" in good.output)
    assert "Its last event was written by a drskit that sealed no states" in good.output
    text = written.evidence.read_text(encoding="utf-8").replace('"Number": 3', '"Number": 33')
    written.evidence.write_text(text, encoding="utf-8")
    bad = runner.invoke(main, ["verify", str(written.folder), "--json"])
    assert (2, ["Event 3 (WAVE_CHANGED) was changed after it was written."]) == (
        bad.exit_code,
        json.loads(bad.output)["Faults"],
    )


def test_the_command_says_which_field_of_a_run_was_edited(drill, tmp_path):
    """A time moved in the file ends with 2; the untouched run has nothing that is not sealed."""
    execution, events, logs = drill
    written = write_run(tmp_path, execution, events, logs, now=execution.end_time)
    runner = CliRunner()
    good = runner.invoke(main, ["verify", str(written.folder), "--json"])
    assert (0, [], []) == (good.exit_code, *(json.loads(good.output)[name] for name in ("Faults", "Unsealed")))
    text = json.loads(written.evidence.read_text(encoding="utf-8"))
    text["Waves"][1]["EndTime"] = "2026-03-02T09:00:01Z"
    written.evidence.write_text(json.dumps(text), encoding="utf-8")
    bad = runner.invoke(main, ["verify", str(written.folder)])
    assert (2, True) == (bad.exit_code, "Wave Application: EndTime is 2026-03-02T09:00:01Z here" in bad.output)


def test_a_run_is_found_by_its_id_where_the_tables_do_not_have_it(tmp_path, monkeypatch):
    """A simulated world ends with its drill; the run's folder stays, and the words say where it was found."""
    execution, events = whole()
    write_run(tmp_path, execution, events, (), now=execution.start_time)
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DRSKIT_RUNS", str(tmp_path))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    found = CliRunner().invoke(main, ["verify", execution.execution_id])
    assert (0, True) == (found.exit_code, "is whole: 5 events" in found.stdout)
    assert f"this is {tmp_path / execution.execution_id}" in found.stderr
