"""An event of an execution's history, in words.

A kind that is not known here is shown as it is, with its facts: a history is
evidence, and nothing of it is hidden because a view is older than the engine.
Of known kinds, ids that only programs read are left to execution.json.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from drskit.model import Event, ServerStatus
from drskit.views.words import counted, plain, shortened

LENGTH = 300
"""Of one fact, in characters."""
NAMED = 3
"""Servers named in one line; beyond, they are counted."""

FOR_PROGRAMS = frozenset(
    {
        "AttemptId",
        "CommandId",
        "TaskId",
        "Digest",
        "PlanDigest",
        "Groups",
        "AccountId",
        "Region",
        "State",
        "Fields",
        "Snapshots",
        "NoticeId",
        "Notices",
    }
)
"""Facts that a line leaves out."""

Telling = Callable[[dict[str, Any]], str]
"""Takes from the facts what it puts into words; what it leaves is shown as it is."""


@dataclass(frozen=True)
class EventWords:
    """What an event is about, and what it says."""

    subject: str
    words: str


def describe(event: Event) -> EventWords:
    """The event in words, on one line, safe for a terminal."""
    facts = dict(event.facts)
    subject = "Execution"
    if isinstance(facts.get("Wave"), str):
        subject = f"Wave {one_line(facts.pop('Wave'))}"
    known = _KINDS.get(event.kind)
    head = known(facts) if known else one_line(event.kind)
    if known:
        facts = {key: value for key, value in facts.items() if key not in FOR_PROGRAMS}
    rest = [f"{one_line(key)}={one_line(value)}" for key, value in facts.items() if value not in (None, "", [], {})]
    return EventWords(subject=subject, words="  ".join(part for part in (head, *rest) if part))


def one_line(value: object) -> str:
    """Any JSON value on one line."""
    if isinstance(value, dict):
        text = ", ".join(f"{key}={one_line(inner)}" for key, inner in value.items())
    elif isinstance(value, list):
        named = ", ".join(one_line(inner) for inner in value[:NAMED])
        text = named if len(value) <= NAMED else f"{named} and {len(value) - NAMED} more"
    else:
        text = str(value)
    return shortened(plain(text), LENGTH)


def _changed(facts: dict[str, Any]) -> str:
    before, after = facts.pop("From", None), facts.pop("To", "?")
    over = "  no longer waiting" if before == after and "WaitingFor" in facts else ""
    waiting = facts.pop("WaitingFor", None)
    told = f"  waiting for {one_line(waiting)}" if waiting else over
    if before == after:
        return f"still {one_line(after)}{told}{_reason(facts)}"
    arrow = f" (was {one_line(before)})" if before else ""
    return f"{one_line(after)}{arrow}{told}{_reason(facts)}"


def _task(words: str) -> Telling:
    def tell(facts: dict[str, Any]) -> str:
        title, phase, run = (one_line(facts.pop(key, "?")) for key in ("Action", "Phase", "Run"))
        again = "" if run == "1" else f", run {run},"
        known = f"  {one_line(facts.pop('ExternalId'))}" if facts.get("ExternalId") else ""
        when = "at the end" if phase == "finally" else f"{phase} it"
        return f"{title} {when}{again} {words}{known}{_reason(facts)}"

    return tell


def _servers(facts: dict[str, Any]) -> str:
    servers = facts.get("Servers")
    if not isinstance(servers, list) or not all(isinstance(server, dict) for server in servers):
        return "servers changed"
    del facts["Servers"]
    alike: dict[str, list[dict[str, Any]]] = {}
    for server in servers:
        telling = ("Status", "Phase") if server.get("Status") == ServerStatus.LAUNCHING.value else ("Status",)
        state = " ".join(one_line(server[key]) for key in telling if server.get(key))
        if server.get("Status") == ServerStatus.LAUNCHED.value and server.get("RecoveryInstanceId"):
            state += ", instance known"
        if asked := [run for run in server.get("Checks") or () if isinstance(run, dict) and run.get("Code")]:
            state += f", checks: {', '.join(one_line(run['Code']) for run in asked[:NAMED])}"
        if server.get("TerminatedBy"):
            state += f", instance terminated by cleanup {one_line(server['TerminatedBy'])}"
        error = f": {one_line(server['Error'])}" if server.get("Error") else ""
        alike.setdefault(f"{state}{error}", []).append(server)
    return ";  ".join(f"{_names(group)} {state}" for state, group in alike.items())


def _names(servers: list[dict[str, Any]]) -> str:
    if len(servers) > NAMED:
        return counted(len(servers), "server")
    return ", ".join(_name(server) for server in servers)


def _name(server: dict[str, Any]) -> str:
    named = f"{one_line(server['Name'])} " if server.get("Name") else ""
    return f"{named}{one_line(server.get('SourceServerId', '?'))}"


def _attempt(words: str) -> Telling:
    def tell(facts: dict[str, Any]) -> str:
        number = next((facts.pop(key) for key in ("Attempt", "Number") if key in facts), None)
        servers = facts.get("Servers")
        chunk = facts.pop("Chunk", None)
        about = "" if number is None else f"attempt {one_line(number)}"
        if isinstance(chunk, int) and chunk > 0:
            about += f", chunk {chunk + 1}"
        told = f"{about} {words}".strip()
        if isinstance(servers, list) and len(servers) > NAMED:
            told += f" for {counted(len(facts.pop('Servers')), 'server')}"
        job = f"  job {one_line(facts.pop('JobId'))}" if facts.get("JobId") else ""
        return f"{told}{job}{_reason(facts)}"

    return tell


def _job(facts: dict[str, Any]) -> str:
    for key in ("Attempt", "Chunk"):
        facts.pop(key, None)
    return f"job {one_line(facts.pop('JobId', '?'))} {_changed(facts)}"


def _log(facts: dict[str, Any]) -> str:
    return f"log of {one_line(facts.pop('JobId', '?'))} kept, lines: {one_line(facts.pop('Lines', '?'))}"


def _wave(facts: dict[str, Any]) -> str:
    """How far its checks are is written at every round of questions; of anything else the fields are named."""
    fields = facts.get("Fields")
    checking = fields.get("Checking") if isinstance(fields, dict) else None
    if isinstance(checking, dict):
        calls = checking.get("Calls")
        awaited = f", {counted(len(calls), 'answer')} awaited" if isinstance(calls, list) and calls else ""
        return f"round {one_line(checking.get('Round', '?'))} of its checks{awaited}{_reason(facts)}"
    named = f": {one_line(sorted(fields))}" if isinstance(fields, dict) and fields else ""
    return f"noted{named}{_reason(facts)}"


def _fixed(words: str) -> Telling:
    return lambda facts: f"{words}{_reason(facts)}"


def _started(facts: dict[str, Any]) -> str:
    """A recovery says who authorised it, a cleanup of how many instances it is; the rest of that is in the report."""
    authority = facts.pop("Authority", None)
    typed = facts.pop("Typed", None)
    told = f"STARTED{_reason(facts)}"
    if isinstance(facts.get("Instances"), list):
        told += f"  of {counted(len(facts.pop('Instances')), 'instance')}"
    if facts.get("Fast") is False:
        del facts["Fast"]  # as most are
    if isinstance(authority, dict):
        second = authority.get("Second")
        also = f" and {one_line(second.get('By', '?'))}" if isinstance(second, dict) else ""
        told += f"  authorised by {one_line(authority.get('By', '?'))}{also}: {one_line(authority.get('Reason', '?'))}"
    return f"{told}  confirmed by typing: {one_line(typed)}" if typed else told


def _edited(facts: dict[str, Any]) -> str:
    new, old = (str(facts.pop(key, "?"))[:12] for key in ("PlanDigest", "Applied"))
    return f"EDITED: plan {one_line(new)} is executed, {one_line(old)} was started"


def _members(facts: dict[str, Any]) -> str:
    added = [f"adds {_name(server)}" for server in facts.pop("Added", None) or () if isinstance(server, dict)]
    gone = [f"removes {one_line(name)}" for name in facts.pop("Removed", None) or ()]
    return f"EDITED: {', '.join([*added, *gone])}"


def _waiting(facts: dict[str, Any]) -> str:
    return f"WAITING for {one_line(facts.pop('For', '?'))}{_reason(facts)}"


def _command(words: str) -> Telling:
    def tell(facts: dict[str, Any]) -> str:
        kind = next((one_line(facts.pop(key)) for key in ("Kind", "Command") if key in facts), "")
        by = f" by {one_line(facts.pop('By'))}" if facts.get("By") else ""
        return f"command {kind}{' ' if kind else ''}{words}{by}{_reason(facts)}"

    return tell


def _notice(words: str) -> Telling:
    def tell(facts: dict[str, Any]) -> str:
        about = f" ({one_line(facts.pop('About'))})" if facts.get("About") else ""
        target = f" {one_line(facts.pop('Target'))}" if facts.get("Target") else ""
        return f"notification{about} {words}{target}{_reason(facts)}"

    return tell


def _reason(facts: dict[str, Any]) -> str:
    reason = facts.pop("Reason", None)
    return f"  {one_line(reason)}" if reason else ""


_KINDS: dict[str, Telling] = {
    "EXECUTION_STARTED": _started,
    "EXECUTION_CHANGED": _changed,
    "PLAN_EDITED": _edited,
    "WAVE_EDITED": _members,
    "EXECUTION_HELD": _fixed("PAUSED"),
    "EXECUTION_RELEASED": _fixed("RESUMED"),
    "WAVE_CHANGED": _changed,
    "SERVERS_CHANGED": _servers,
    "WAITING": _waiting,
    "ATTEMPT_INTENT": _attempt("intended"),
    "ATTEMPT_LAUNCHED": _attempt("launched"),
    "ATTEMPT_NOT_EXECUTED": _attempt("not executed"),
    "ATTEMPT_FOREIGN": _attempt("stopped by a job of somebody else"),
    "ATTEMPT_REFUSED": _attempt("refused for now"),
    "ATTEMPT_FORGOTTEN": _attempt("is kept in the history alone"),
    "JOB_CHANGED": _job,
    "JOB_MISSING": _attempt("is not shown by DRS"),
    "JOB_FOUND": _attempt("is shown by DRS again"),
    "WAVE_DELAYED": _fixed("delayed"),
    "WAVE_OVERRIDDEN": _fixed("failed, and the execution goes on"),
    "EXECUTION_NOTED": _fixed("noted"),
    "WAVE_NOTED": _wave,
    "ATTEMPT_NOTED": _attempt("noted"),
    "COMMAND_NOTED": _fixed("command noted"),
    "TASK_INTENT": _task("intended"),
    "TASK_RUNNING": _task("begun"),
    "TASK_DONE": _task("DONE"),
    "TASK_FAILED": _task("FAILED"),
    "TASK_TIMED_OUT": _task("TIMED_OUT"),
    "TASK_UNKNOWN": _task("UNKNOWN"),
    "TASK_SKIPPED": _task("SKIPPED"),
    "TASK_SENT_AGAIN": _task("asked for again"),
    "TASK_DELAYED": _task("delayed"),
    "TASK_AGAIN": _task("is to be run again"),
    "TASK_OVERRIDDEN": _task("failed, and the execution goes on"),
    "TASK_NOTED": _task("noted"),
    "LOG_RECORDED": _log,
    "COMMAND_RECEIVED": _command("received"),
    "COMMAND_ACKNOWLEDGED": _command("acknowledged"),
    "NOTICE_MADE": _notice("is to be sent"),
    "NOTICE_SENT": _notice("sent to"),
    "NOTICE_FAILED": _notice("not sent to"),
    "NOTICE_GIVEN_UP": _notice("given up for"),
    "NOTICE_NOTED": _notice("noted"),
}
