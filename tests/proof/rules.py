"""What must hold of money, of times that run out, and of who said yes; it knows nothing of drskit, like the checker.

- Money. No job of a wave, or of what a `retry` launches of it again, that its
  plan has no money for is created before somebody allowed more, which takes a
  `resume` of theirs, and each `resume` allows once.
- Time. A plan's deadline is its start and its time; nothing is intended later,
  and nobody is called late before. A wave is TIMED_OUT only when one of its jobs
  ran for as long as the wave may.
- Yes. A wave was approved by somebody whom its plan names, and not by the
  starter where the plan says so; a recovery that takes two people was
  countersigned by another one than who authorised it.
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any

SPAN = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?")


def spent(
    jobs: Sequence[Mapping[str, Any]], records: Mapping[str, Any], dear: Mapping[str, int], tag: str
) -> Iterator[str]:
    """What does not hold of money.

    Args:
        jobs: the launch jobs of DRS.
        records: of all executions, as `checker.Record`s.
        dear: the waves that a plan has no money for, as whoever wrote it knows, each from which of its attempts on.
        tag: the tag of a job that names its attempt.
    """
    for record in records.values():
        accepted = record.alone.get("BUDGET", {}).get("Accepted", [])
        resumed = [(one["By"], one["At"]) for one in record.commands if one["Kind"] == "resume"]
        given = [(one["By"], one["At"]) for one in accepted]
        if len(set(given)) < len(given) or not set(given) <= set(resumed):
            yield f"budget: more was allowed by {given}, and {resumed} resumed it"
        for job in jobs:
            attempt = record.attempts.get(job["tags"].get(tag))
            created = _time(job["creationDateTime"])
            wanting = attempt and attempt["Number"] >= dear.get(attempt["WaveName"], math.inf)
            if wanting and not any(_time(one["At"]) <= created for one in accepted):
                yield f"budget: {job['jobID']} of {attempt['WaveName']} was created, and nobody allowed that much"


def timely(jobs: Sequence[Mapping[str, Any]], records: Mapping[str, Any], tag: str) -> Iterator[str]:
    """What does not hold of times that run out."""
    for name, record in records.items():
        deadline, span = record.alone.get("DEADLINE"), record.plan.get("Timeout")
        if (deadline is None) != (span is None):
            yield f"deadline: {name} may last {span}, and its deadline is {deadline}"
        if deadline is not None and span is not None:
            yield from _ended_in_time(name, record, deadline, _span(span))
        late = bool(deadline and deadline.get("Passed"))
        waves = [wave for wave in record.waves.values() if wave["Status"] == "TIMED_OUT"]
        if record.status == "TIMED_OUT" and not (late or waves):
            yield f"deadline: {name} is TIMED_OUT, and nothing of it was late"
        spans = {wave["Name"]: _span(wave["Timeout"]) for wave in record.plan["Waves"]}
        for wave in waves:
            mine = [
                job for job in jobs if record.attempts.get(job["tags"].get(tag), wave)["WaveName"] == wave["WaveName"]
            ]
            mine = [job for job in mine if job["tags"].get(tag) in record.attempts]
            if not any(_ran(job, spans[wave["WaveName"]], _time(wave["EndTime"])) for job in mine):
                yield f"deadline: wave {wave['WaveName']} is TIMED_OUT, and no job of it ran so long"


def _ended_in_time(name: str, record: Any, deadline: Mapping[str, Any], span: timedelta) -> Iterator[str]:
    at, passed = _time(deadline["At"]), deadline.get("Passed")
    if at != datetime.fromtimestamp(record.header["StartTime"], UTC) + span:
        yield f"deadline: {name} may last {span}, and its deadline is {at}"
    if passed and _time(passed) < at:
        yield f"deadline: {name} was called late at {passed}, before {at}"
    for event in record.events:
        if event["Kind"] == "ATTEMPT_INTENT" and _time(event["Time"]) > at:
            yield f"deadline: {name} intended a launch at {event['Time']}, after {at}"


def _ran(job: Mapping[str, Any], span: timedelta, until: datetime) -> bool:
    """Whether the job ran for so long by then."""
    over = _time(job["creationDateTime"]) + span
    ended = job.get("endDateTime")
    return over <= until and (not ended or _time(ended) >= over)


def agreed(records: Mapping[str, Any], authorisations: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """What does not hold of who said yes."""
    for name, record in records.items():
        starter = record.header["StartedBy"]
        plans = {wave["Name"]: wave.get("Approval") for wave in record.plan["Waves"]}
        for wave in record.waves.values():
            asked, approved = plans.get(wave["WaveName"]), wave.get("Approved")
            if not asked or not approved:
                continue
            by = approved["By"]
            if asked["By"] and not any(fnmatchcase(by.rpartition("user/")[2], one) for one in asked["By"]):
                yield f"approval: {by} approved {wave['WaveName']}, and {asked['By']} may"
            if asked["NotStarter"] and by == starter:
                yield f"approval: {by} approved {wave['WaveName']}, and started it"
        for one in authorisations:
            if one.get("UsedBy") == name and record.plan["Recovery"]["SecondPerson"]:
                yield from _two(one)


def _two(authorisation: Mapping[str, Any]) -> Iterator[str]:
    second = (authorisation.get("Second") or {}).get("By")
    if second in {None, authorisation["By"]}:
        yield f"approval: {authorisation['By']} authorised a recovery for two, and {second or 'nobody'} said yes to it"


def _span(text: str) -> timedelta:
    found = SPAN.fullmatch(text)
    if found is None:
        message = f"{text} is no span"
        raise ValueError(message)
    days, hours, minutes, seconds = (float(part or 0) for part in found.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
