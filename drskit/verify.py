"""Whether a history is whole and unedited, and the execution is what its history says.

Every event carries the hash of the one before, and the execution's header the
hash of the last. So an event that was edited, removed, added or moved shows, and
so does a tail that was cut off, unless the header was rewritten with it. The
statuses of execution, waves and servers, the servers' instances and errors and
the attempts' jobs are held against the last event about each. Times, snapshots
and job logs are in no event; what is changed there does not show yet.
"""

from collections.abc import Iterable, Iterator

from drskit.history import ERROR_LENGTH
from drskit.model import Event, Execution, ExecutionStatus, ServerRun, ServerStatus, WaveStatus


def faults(execution: Execution, events: Iterable[Event]) -> tuple[str, ...]:
    """What does not add up, a sentence each; none when the history is whole and the execution is what it says."""
    history = tuple(events)
    return _broken(execution, history) or tuple(_contradictions(execution, history))


def _contradictions(execution: Execution, events: tuple[Event, ...]) -> Iterator[str]:
    """Where the execution is not what the last event about it says."""
    told = _Told(events)
    if execution.status != told.execution:
        yield f"The execution is {execution.status} here, and {told.execution} by its history."
    for wave in execution.waves:
        status = told.waves.get(wave.wave_name, WaveStatus.PENDING.value)
        if wave.status != status:
            yield f"Wave {wave.wave_name} is {wave.status} here, and {status} by its history."
        for server in wave.servers:
            known = told.servers.get(server.source_server_id, (ServerStatus.PENDING.value, None, None))
            here = _shown(server)
            if here != known:
                yield f"Server {server.source_server_id} is {_words(here)} here, and {_words(known)} by its history."
    for attempt in execution.attempts:
        job = told.jobs.get(attempt.attempt_id)
        if attempt.job_id != job:
            yield f"Attempt {attempt.attempt_id} has job {attempt.job_id} here, and {job} by its history."


Shown = tuple[str, str | None, str | None]
"""A server's status, instance and error."""


def _shown(server: ServerRun) -> Shown:
    error = server.error if server.error is None else server.error[:ERROR_LENGTH]
    return server.status.value, server.recovery_instance_id, error


def _words(shown: Shown) -> str:
    return " ".join(part for part in (shown[0], shown[1], shown[2] and f"({shown[2]})") if part)


class _Told:
    """What a history says last of each thing."""

    def __init__(self, events: tuple[Event, ...]) -> None:
        self.execution = ExecutionStatus.PENDING.value
        self.waves: dict[str, str] = {}
        self.servers: dict[str, Shown] = {}
        self.jobs: dict[str, str] = {}
        for event in events:
            self._hear(event)

    def _hear(self, event: Event) -> None:
        facts = event.facts
        if event.kind == "EXECUTION_CHANGED":
            self.execution = facts["To"]
        elif event.kind == "WAVE_CHANGED":
            self.waves[facts["Wave"]] = facts["To"]
        elif event.kind == "SERVERS_CHANGED":
            for server in facts["Servers"]:
                shown = (server["Status"], server.get("RecoveryInstanceId"), server.get("Error"))
                self.servers[server["SourceServerId"]] = shown
        elif event.kind == "ATTEMPT_LAUNCHED":
            self.jobs[facts["AttemptId"]] = facts["JobId"]


def _broken(execution: Execution, events: tuple[Event, ...]) -> tuple[str, ...]:
    """Where the chain does not hold."""
    found: list[str] = []
    previous = ""
    count = 0
    for count, event in enumerate(events, 1):
        if event.sequence != count:
            found.append(f"Where event {count} should stand, there is event {event.sequence}.")
            break
        if event.previous != previous:
            found.append(f"Event {count} ({event.kind}) does not follow from the one before it.")
        if event.sealed(event.previous).hash != event.hash:
            found.append(f"Event {count} ({event.kind}) was changed after it was written.")
        previous = event.hash
    if not found and count != execution.events:
        found.append(f"The header counts {execution.events} events, and there are {count}.")
    if not found and previous != execution.head:
        found.append("The last event is not the one that the header names.")
    return tuple(found)
