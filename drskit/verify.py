"""Whether a history is whole and unedited, and the execution is what its history says.

Every event carries the hash of the one before, and the execution's header the
hash of the last. So an event that was edited, removed, added or moved shows, and
so does a tail that was cut off, unless the header was rewritten with it. Events
carry the fields that changed; told one after the other they make the execution
anew, and what differs from it is named. The last event of every write also
carries a digest of all that was written, so what no event names shows, too. A
job's log is held against its own digest.

Three things no history can hold. Whoever rewrites all of it with its header
makes another whole history: only a copy of the head, kept elsewhere, can tell.
How `execution.json` is laid out, where it says the same, is no evidence. The
store's own marks (`WriteId`, `Generation`, `Schema`, `Quarantined`) are none; the
report is made of `execution.json`. What lists show of an execution in the tables
is made of it, too, and is held against it (`summary_faults`).
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from drskit.authorization import scope_begun
from drskit.bounds import shortened
from drskit.model import Event, Execution, ExecutionHeader, ExecutionType, JobLog, Record, ServerRun
from drskit.running import launched_set
from drskit.seals import FIELDS, STATE, log_digest, plan_digest, state_digest
from drskit.texts import moment
from drskit.views.words import counted

Fields = dict[str, Any]
"""Names as in JSON -> values as in JSON."""
SAID_BYTES = 200
"""How much of a value is shown."""
OLD_SERVER = {"Status": "PENDING", "RecoveryInstanceId": None, "Error": None}
"""What a server was before its first event, of what drskit has always told."""


def faults(execution: Execution, events: Iterable[Event], logs: Iterable[JobLog] | None = None) -> tuple[str, ...]:
    """What does not add up, a sentence each; none when the history is whole and the execution is what it says.

    Job logs are held against it, too, unless they are None.
    """
    history = tuple(events)
    return _broken(execution, history) or (
        *_contradictions(execution, history),
        *(() if logs is None else _logs(tuple(logs), _Told(execution, history))),
    )


def unsealed(execution: Execution, events: Iterable[Event], logs: Iterable[JobLog] = ()) -> tuple[str, ...]:
    """What the history does not hold because an older drskit wrote it, a sentence each."""
    told = _Told(execution, tuple(events))
    bare = sorted(log.job_id for log in logs if log.job_id not in told.logs and not told.whole)
    found = []
    if not told.sealed:
        found.append(
            "Its last event was written by a drskit that sealed no states: beyond statuses, instances, errors and jobs "
            "nothing can be held against it, neither times nor snapshots nor phases."
        )
    if bare:
        found.append(f"No event seals the logs of {', '.join(bare)}: an older drskit kept them.")
    return tuple(found)


def first_altered(execution: Execution, events: Iterable[Event]) -> int | None:
    """The number of the first event of the chain that is not as it was written, or not there; None when all are.

    Where a tail was cut off, the first that is missing; where it is not told how many there were, the last.
    """
    previous = ""
    count = 0
    for count, event in enumerate(events, 1):
        if event.sequence != count or event.previous != previous or event.sealed(previous).hash != event.hash:
            return count
        previous = event.hash
    if count < execution.events:
        return count + 1
    return None if (count, previous) == (execution.events, execution.head) else min(execution.events + 1, count)


@dataclass(frozen=True)
class Compared:
    """How a run's history compares with that of the tables."""

    words: str
    fault: bool
    first: int | None = None
    """The number of the first event that differs."""


def compared(here: Execution, events: Iterable[Event], there: Execution, theirs: Iterable[Event]) -> Compared:
    """Hold a run against the tables: only they can tell that a whole history was rewritten, header and all.

    A run that was written before the execution went on is no fault: its events are the first of the tables'.
    """
    mine, kept = tuple(events), tuple(theirs)
    for number, (event, other) in enumerate(zip(mine, kept, strict=False), 1):
        if event.hash != other.hash or event.sealed(event.previous).hash != other.hash:
            return Compared(f"Event {number} ({event.kind}) is not the one that the tables hold.", True, number)
    if len(mine) > len(kept):
        words = f"The tables hold {len(kept)} events, and here are {len(mine)}: event {len(kept) + 1} is not theirs."
        return Compared(words, True, len(kept) + 1)
    if len(mine) < len(kept):
        more = counted(len(kept) - len(mine), "more event")
        return Compared(f"The tables hold {more}: this run is as of event {len(mine)}, and all up to it agree.", False)
    if state_digest(here) != state_digest(there):
        return Compared("The history is that of the tables, and the execution is not what they hold.", True)
    return Compared(f"The tables hold the same history, down to its last event {here.head}.", False)


def summary_faults(execution: Execution, header: ExecutionHeader) -> tuple[str, ...]:
    """Where lists show other than the execution is, a sentence each; an older summary, as an index may have, has none.

    A long plan's summary lacks jobs, counts or waves: what is missing is read from the execution, and says nothing.
    """
    if header.version != execution.version:
        return ()
    found = []
    for wave, shown in zip(execution.waves, header.waves, strict=False):
        mine = [part for part in execution.attempts_of(wave.wave_name) if part.job_id]
        jobs = [(part.job_id, part.number, part.creation_time, part.end_time) for part in mine]
        times = (wave.start_time, wave.end_time)
        same = (
            (shown.wave_name, shown.status, (shown.start_time, shown.end_time)) == (wave.wave_name, wave.status, times)
            and shown.servers in ({}, Counter(server.status.value for server in wave.servers))
            and [(job.job_id, job.attempt, job.creation_time, job.end_time) for job in shown.jobs] in ([], jobs)
        )
        if not same:
            found.append(f"Lists show wave {wave.wave_name} otherwise than it is: {shown.wave_name} {shown.status}.")
    if header.launched not in {None, launched_set(execution)}:
        found.append("Lists name another set of launched servers than its jobs launched.")
    if len(header.waves) + header.waves_left_out != len(execution.waves):
        found.append(f"Lists show {len(header.waves)} waves and {header.waves_left_out} more; there are others.")
    return tuple(found)


# --- the chain -------------------------------------------------------------------------------------------------------


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


# --- what the history says -------------------------------------------------------------------------------------------


class _Told:
    """What a history says last of each thing."""

    def __init__(self, execution: Execution, events: tuple[Event, ...]) -> None:
        self.execution: Fields = {"Status": "PENDING"}
        self.waves: dict[str, Fields] = {}
        self.servers: dict[str, Fields] = {}
        self.attempts: dict[str, Fields] = {}
        self.tasks: dict[str, Fields] = {}
        self.commands: dict[str, Fields] = {}
        self.notices: dict[str, Fields] = {}
        self._books = {
            "AttemptId": self.attempts, "NoticeId": self.notices, "TaskId": self.tasks, "CommandId": self.commands,
        }  # fmt: skip
        self.logs: dict[str, str] = {}
        self.plan: str | None = None
        self.executed: str | None = None
        """The digest of the plan since its last edit."""
        self.whole = execution.version == sum(STATE in event.facts for event in events)
        """Every write was sealed, so every field was told."""
        self.sealed = bool(events) and STATE in events[-1].facts
        self.unreadable: list[str] = []
        for event in events:
            try:
                self._hear(event.kind, event.facts)
            except (KeyError, TypeError, ValueError):
                self.unreadable.append(f"Event {event.sequence} ({event.kind}) lacks facts that every such event has.")

    def _hear(self, kind: str, facts: Fields) -> None:
        fields = facts.get(FIELDS, {})
        if kind == "LOG_RECORDED":
            self.logs[facts["JobId"]] = facts["Digest"]
        elif kind == "SERVERS_CHANGED":
            for server in facts["Servers"]:
                named = {name: value for name, value in server.items() if name in _names(ServerRun)}
                self.servers.setdefault(named["SourceServerId"], {}).update(named)
        elif kind == "EXECUTION_STARTED":
            self.plan = facts.get("PlanDigest")
            told = {name: value for name, value in facts.items() if name in _names(Execution) and value is not None}
            self.notices |= {notice["NoticeId"]: notice for notice in told.pop("Notices", ())}
            self.execution |= told | fields
            self.servers |= {server["SourceServerId"]: dict(server) for server in facts.get("Instances", ())}
            self.servers |= {name: {"Snapshot": chosen} for name, chosen in facts.get("Snapshots", {}).items()}
        elif kind in {"PLAN_EDITED", "WAVE_EDITED"}:
            self._hear_edit(facts)
        else:
            self._hear_change(kind, facts, fields)

    def _hear_edit(self, facts: Fields) -> None:
        self.executed = facts.get("PlanDigest", self.executed)
        for name in facts.get("Removed", ()):
            self.servers.pop(name, None)
        self.servers |= {server["SourceServerId"]: dict(server) for server in facts.get("Added", ())}

    def _hear_change(self, kind: str, facts: Fields, fields: Fields) -> None:
        if kind == "ATTEMPT_FORGOTTEN":
            del self.attempts[facts["AttemptId"]]
        elif name := next((name for name in self._books if name in facts), None):
            old = {"JobId": facts["JobId"]} if kind == "ATTEMPT_LAUNCHED" else {}
            self._books[name].setdefault(facts[name], {}).update(old | fields)
        elif "Wave" in facts:
            old = {"Status": facts["To"]} if kind == "WAVE_CHANGED" else {}
            self.waves.setdefault(facts["Wave"], {}).update(old | fields)
        else:
            old = {"Status": facts["To"]} if kind == "EXECUTION_CHANGED" else {}
            self.execution |= old | fields


def _names(kind: type[Record]) -> frozenset[str]:
    return frozenset(str(field.alias) for field in kind.model_fields.values())


# --- and what the execution says -------------------------------------------------------------------------------------


def _contradictions(execution: Execution, events: tuple[Event, ...]) -> Iterator[str]:
    """Where the execution is not what its history says."""
    told = _Told(execution, events)
    found = [
        *told.unreadable,
        *_own(execution, told),
        *_authorised(execution, events),
        *_waves(execution, told),
        *_listed("Attempt", {attempt.attempt_id: attempt for attempt in execution.attempts}, told.attempts, told),
        *_listed("Task", {task.task_id: task for task in execution.tasks}, told.tasks, told),
        *_listed("Command", {command.command_id: command for command in execution.commands}, told.commands, told),
        *_listed("Notice", {notice.notice_id: notice for notice in execution.notices}, told.notices, told),
    ]
    yield from found
    last = events[-1] if events else None
    if last and told.sealed and not found and last.facts[STATE] != state_digest(execution):
        event = f"event {last.sequence} ({last.kind})"
        yield f"The execution is not as {event} sealed it, in something that no event names."


def _own(execution: Execution, told: _Told) -> Iterator[str]:
    here = execution.model_copy(update={"waves": (), "attempts": (), "tasks": (), "commands": (), "notices": ()})
    untold: Fields = {
        "Plan": here.plan,
        "Applied": here.applied,
        "Waves": (),
        "Version": here.version,
        "Events": here.events,
        "Head": here.head,
    }
    base = untold if told.whole else _as_it_is(here)
    yield from _differing("The execution", here, base | told.execution)
    if told.plan and told.plan != plan_digest(execution.started_plan):
        yield "The plan is not the one that was started."
    if (told.executed or told.plan) not in {None, plan_digest(execution.plan)}:
        yield "The plan is not the one that was executed."


def _authorised(execution: Execution, events: tuple[Event, ...]) -> Iterator[str]:
    """Where a recovery is not one that somebody authorised, as far as its own record can tell."""
    authority = execution.authority
    if execution.execution_type is not ExecutionType.RECOVERY:
        if authority is not None:
            yield f"It is a {execution.execution_type}, and carries an authorisation."
        return
    if authority is None:
        yield "It is a RECOVERY, and nobody authorised it."
        return
    began = execution.start_time
    if authority.by != execution.started_by or not authority.at <= began < authority.expires:
        yield f"Authorisation {authority.authorization_id} was not good for {execution.started_by} at {moment(began)}."
    if events and authority.scope != scope_begun(execution, events[0].facts).seal:
        yield f"What was started is not what authorisation {authority.authorization_id} was made for."
    targets = {name for group in events[0].facts.get("Groups", ()) for name in group["Servers"]} if events else set()
    strange = sorted({name for attempt in execution.attempts for name in attempt.server_ids} - targets)
    if strange:
        yield f"{', '.join(strange[:5])} was launched, and nobody authorised that."


def _waves(execution: Execution, told: _Told) -> Iterator[str]:
    for wave in execution.waves:
        here = wave.model_copy(update={"servers": ()})
        fields = told.waves.get(wave.wave_name, {})
        base = {"WaveName": wave.wave_name} if told.whole else _as_it_is(here) | {"Status": "PENDING"}
        yield from _differing(f"Wave {wave.wave_name}", here, base | fields)
        for server in wave.servers:
            yield from _server(server, told)


def _server(server: ServerRun, told: _Told) -> Iterator[str]:
    fields = told.servers.get(server.source_server_id, {})
    if told.whole:
        base = {"SourceServerId": server.source_server_id, "Name": server.name, "Critical": server.critical}
    else:
        base = _as_it_is(server) | OLD_SERVER
        if server.error and server.error.endswith("…") and str(fields.get("Error")).startswith(server.error[:-1]):
            fields = fields | {"Error": server.error}
    yield from _differing(f"Server {server.source_server_id}", server, base | fields)


def _listed(noun: str, here: Mapping[str, Record], known: Mapping[str, Fields], told: _Told) -> Iterator[str]:
    """Attempts or commands: those that are here, and those that the history knows."""
    for identity, record in here.items():
        if identity not in known:
            yield f"{noun} {identity} is in no event of the history."
        else:
            old = _as_it_is(record) | ({"JobId": None} if noun == "Attempt" else {})
            base = {f"{noun}Id": identity} if told.whole else old
            yield from _differing(f"{noun} {identity}", record, base | known[identity])
    for identity in known:
        if identity not in here:
            yield f"{noun} {identity} of the history is missing here."


def _logs(logs: tuple[JobLog, ...], told: _Told) -> Iterator[str]:
    here = [log.job_id for log in logs]
    if here != sorted(set(here)):
        yield "The job logs are not one of each job, by the jobs' ids."
    for log in logs:
        if log.job_id in told.logs and told.logs[log.job_id] != log_digest(log):
            yield f"The log of {log.job_id} is not the one that its history sealed."
        elif log.job_id not in told.logs and told.whole:
            yield f"The log of {log.job_id} is in no event of the history."
    yield from (f"The log of {job_id} is missing." for job_id in told.logs if job_id not in here)


def _differing(subject: str, here: Record, fields: Fields) -> Iterator[str]:
    """The fields of a record that are not as they were told."""
    try:
        told = type(here).model_validate(fields)
    except ValidationError as error:
        place = ".".join(map(str, error.errors(include_url=False)[0]["loc"]))
        yield f"{subject}: what its history says of {place} is nothing that this drskit can read."
        return
    for name, field in type(here).model_fields.items():
        if getattr(here, name) != getattr(told, name):
            alias = str(field.alias)
            yield f"{subject}: {alias} is {_said(here, name)} here, and {_said(told, name)} by its history."


def _said(record: Record, name: str) -> str:
    value = record.model_dump(mode="json", by_alias=True, include={name}).popitem()[1]
    return shortened(value if isinstance(value, str) else json.dumps(value), SAID_BYTES)


def _as_it_is(record: Record) -> Fields:
    return record.to_json()
