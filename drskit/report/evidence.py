"""An execution as JSON, and the folder that a run leaves.

`execution.json` is a contract: other programs read it, and `load_execution_json`
makes a report of it years later without AWS. What the contract names is there
always, null when absent; keys may be added, none is taken away.
"""

import hashlib
import json
import os
import re
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from drskit.errors import InvalidInput
from drskit.model import Event, Execution, ExecutionHeader, JobLog
from drskit.report.context import Context
from drskit.report.html import render_html
from drskit.report.summary import Summary, jobs_of, summarise
from drskit.seals import context_digest

T = TypeVar("T")
SCHEMA_VERSION = 1
EVIDENCE, CONTEXT, REPORT = "execution.json", "context.json", "report.html"
"""The files of a run that drskit makes reports of and from."""
SEAL = "ContextDigest"
"""The key of `execution.json` that holds the digest of the `context.json` beside it."""
REPORT_SEAL = "ReportDigest"
"""The key of `execution.json` that holds the SHA-256 of the `report.html` that was written with it."""
REPORT_VERSIONS = "ReportVersions"
"""The key of `execution.json` that holds what made the `report.html` beside it, where it was made again."""
BESIDE = ("SchemaVersion", "History", "JobLogs", "RunningInstances", "Report", SEAL, REPORT_SEAL, REPORT_VERSIONS)
"""Keys that are not the execution's own; RunningInstances is in what `executions show` prints, as of that moment, and
Report in what `report --format json` prints: it is computed anew from the rest, and never read."""
COMPUTED = {
    "verdict", "elapsed", "rto", "rto_without_people", "waited", "rpo", "path", "criteria", "untested", "deviations",
    "figures", "differences", "context", "remarks", "edited", "leftovers", "made_at", "sections", "checks",
}  # fmt: skip
"""What of a summary is no copy of the execution."""
SLUG = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
"""What an execution's id and a file's name may look like; neither can leave the folder."""


@dataclass(frozen=True)
class Evidence:
    """What `execution.json` holds."""

    execution: Execution
    events: tuple[Event, ...]
    logs: tuple[JobLog, ...]
    strays: tuple[str, ...] = ()
    """What the file says twice, and not alike; a sentence each."""
    context: Context | None = None
    """What was known beside it when its report was made; a file alone cannot know."""
    report: str | None = None
    """The SHA-256 of the report that was written with it; an older drskit kept none."""
    file: Path | None = None
    """Where it was read from; None when the tables were asked."""
    made_by: Mapping[str, str] | None = None
    """What made its report again, in the place of the one that was written with it."""


@dataclass(frozen=True)
class RunFiles:
    """Where a run was written."""

    folder: Path
    evidence: Path
    context: Path
    report: Path


def execution_json(
    execution: Execution, events: tuple[Event, ...] = (), logs: tuple[JobLog, ...] = ()
) -> dict[str, Any]:
    """The execution with its history and job logs as JSON types; `Events` is their number, `History` the events."""
    found = {"SchemaVersion": SCHEMA_VERSION, **execution.to_json()}
    for wave in found["Waves"]:
        wave["Jobs"] = _jobs(execution, wave["WaveName"])
    found["History"] = [event.to_json() for event in events]
    found["JobLogs"] = [log.to_json() for log in logs]
    return found


def report_json(summary: Summary, evidence: Evidence) -> dict[str, Any]:
    """The report as JSON types: all of `execution.json`, and under `Report` what was computed; spans are ISO 8601."""
    report = summary.model_dump(mode="json", by_alias=True, include=COMPUTED)
    report["Waves"] = [
        {
            "WaveName": wave.wave_name,
            "Rto": wave.rto.to_json(),
            "Rpo": wave.rpo.to_json(),
            "Servers": [
                {
                    "SourceServerId": server.run.source_server_id,
                    "Rto": server.rto.to_json(),
                    "Rpo": server.rpo.to_json(),
                }
                for server in wave.servers
            ],
        }
        for wave in summary.waves
    ]
    return execution_json(evidence.execution, evidence.events, evidence.logs) | {"Report": report}


def _jobs(execution: Execution, wave_name: str) -> list[dict[str, Any]]:
    """A wave's jobs, as the attempts have them."""
    return [
        {
            "JobId": job["JobId"],
            "Attempt": job["Number"],
            "CreationTime": job["CreationTime"],
            "EndTime": job["EndTime"],
        }
        for job in (attempt.to_json() for attempt in jobs_of(execution, wave_name))
    ]


def header_json(header: ExecutionHeader) -> dict[str, Any]:
    """The same shape without servers, from the header alone; `ServerCounts` says how many have which status."""
    found = header.to_json()
    del found["Launched"]  # tells two sets apart, and says nothing of either
    for wave in found["Waves"]:
        wave["ServerCounts"] = wave.pop("Servers")
    return found


def load_execution_json(path: Path) -> Evidence:
    """Read `execution.json` back, from the file or from the run's folder.

    Raises:
        InvalidInput: there is no such file, or it is not ours; the message names file and key.
    """
    file = path / EVIDENCE if path.is_dir() else path
    told = _read(file)
    found = evidence_of(file, told)
    beside = file.with_name(CONTEXT)
    context = _parsed(beside, "", TypeAdapter(Context), _read(beside)) if beside.is_file() else None
    strays = (*found.strays, *_unsealed(told.get(SEAL), context))
    made_by = told.get(REPORT_VERSIONS)
    known = {key: str(value) for key, value in made_by.items()} if isinstance(made_by, dict) else None
    return replace(found, context=context, strays=strays, report=told.get(REPORT_SEAL), file=file, made_by=known)


def _unsealed(seal: str | None, context: Context | None) -> Iterator[str]:
    """Where the context is not the one that was written with the evidence; an older drskit sealed none."""
    if seal is not None and context is None:
        yield f"{CONTEXT} is missing, and this run was written with one."
    elif seal is not None and context is not None and context_digest(context) != seal:
        yield f"{CONTEXT} is not the one that was written with this run."


def evidence_of(file: Path, found: dict[str, Any]) -> Evidence:
    """What `execution.json` holds, once it is read; the file's name is for messages.

    Raises:
        InvalidInput: it is not ours; the message names file and key.
    """
    if found.get("SchemaVersion") != SCHEMA_VERSION:
        told = found.get("SchemaVersion", "missing")
        raise InvalidInput(
            f"{file}: SchemaVersion is {told!r}, and this drskit reads {SCHEMA_VERSION}. Use the drskit that wrote it."
        )
    bare = {key: value for key, value in found.items() if key not in BESIDE}
    if isinstance(bare.get("Waves"), list):
        bare["Waves"] = [_without_jobs(wave) for wave in bare["Waves"]]
    execution = _parsed(file, "", TypeAdapter(Execution), bare)
    return Evidence(
        execution=execution,
        events=_parsed(file, "History", TypeAdapter(tuple[Event, ...]), found.get("History", [])),
        logs=_parsed(file, "JobLogs", TypeAdapter(tuple[JobLog, ...]), found.get("JobLogs", [])),
        strays=tuple(
            f"Wave {wave.wave_name} lists jobs here that are not those of its attempts."
            for wave, told in zip(execution.waves, found.get("Waves", ()), strict=False)
            if told.get("Jobs") != _jobs(execution, wave.wave_name)
        ),
    )


def write_run(
    runs: Path,
    execution: Execution,
    events: tuple[Event, ...],
    logs: tuple[JobLog, ...],
    *,
    now: datetime,
    versions: Mapping[str, str] | None = None,
    context: Context | None = None,
) -> RunFiles:
    """Write `execution.json`, `context.json` and `report.html` into `runs/<ExecutionId>/`; each is whole or not there.

    The evidence comes first: it is kept even when the report cannot be made. With the context beside it the same
    report can be made again from the folder alone.

    Args:
        runs: the folder of all runs.
        execution: the execution, whole.
        events: its history.
        logs: its job logs.
        now: the present by the execution's clock.
        versions: what ran.
        context: what was known beside the execution; it brings its own time and versions.

    Raises:
        InvalidInput: the execution's id is no name for a folder.
        MissingExtra: jinja2 is not installed; the evidence was written.
    """
    folder = run_folder(runs, execution.execution_id)
    context = context or Context(made_at=now, versions=dict(versions or {}))
    sealed = execution_json(execution, events, logs) | {SEAL: context_digest(context)}
    evidence = write_file(folder, EVIDENCE, _text(sealed))
    beside = write_file(folder, CONTEXT, _text(context.to_json()))
    html = render_html(summary_of(Evidence(execution, events, logs, context=context)))
    report = write_file(folder, REPORT, html)
    write_file(folder, EVIDENCE, _text(sealed | {REPORT_SEAL: report_digest(report.read_bytes())}))
    return RunFiles(folder=folder, evidence=evidence, context=beside, report=report)


def report_made_again(evidence: Path, versions: Mapping[str, str]) -> None:
    """Keep the digest of a report that was made again beside its evidence, and what made it, unless it is the same."""
    told = json.loads(evidence.read_text(encoding="utf-8"))
    digest = report_digest(evidence.with_name(REPORT).read_bytes())
    if told.get(REPORT_SEAL) != digest:
        kept = told | {REPORT_SEAL: digest, REPORT_VERSIONS: dict(versions)}
        write_file(evidence.parent, evidence.name, _text(kept))


def report_digest(report: bytes) -> str:
    """SHA-256 over a report, as 64 hex digits."""
    return hashlib.sha256(report).hexdigest()


def summary_of(evidence: Evidence) -> Summary:
    """What a report shows of this evidence; without a context as of the end, or of the last event."""
    found = evidence.execution
    now = evidence.events[-1].time if evidence.events else found.start_time
    context = evidence.context or Context(made_at=found.end_time or now)
    return summarise(found, evidence.events, evidence.logs, context.made_at, context=context)


def _text(value: dict[str, Any]) -> str:
    return json.dumps(value, indent=1, ensure_ascii=True) + "\n"


def run_folder(runs: Path, execution_id: str) -> Path:
    """The run's folder, made if need be, and never outside `runs`."""
    folder = _inside(runs, execution_id)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def write_file(folder: Path, name: str, content: str | bytes) -> Path:
    """Write a file that only its owner reads, in one step: a reader sees the old one or the new one."""
    found = content.encode("utf-8", errors="backslashreplace") if isinstance(content, str) else content
    path = _inside(folder, name)
    temporary = folder / f".{name}.{secrets.token_hex(4)}"
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(found)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return path


def _inside(folder: Path, name: str) -> Path:
    path = folder / name
    if not SLUG.fullmatch(name) or not path.resolve().is_relative_to(folder.resolve()):
        raise InvalidInput(f"{name!r} cannot be a name in {folder}: use letters, digits, '.', '_' and '-'.")
    return path


def _read(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidInput(f"{file} cannot be read: {error.strerror}. Name a run's folder or its file.") from error
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"{file} is no JSON: {error}") from error
    if not isinstance(found, dict):
        raise InvalidInput(f"{file} holds no execution: a JSON object is needed, not a {type(found).__name__}.")
    return found


def _without_jobs(wave: object) -> object:
    return {key: value for key, value in wave.items() if key != "Jobs"} if isinstance(wave, dict) else wave


def _parsed(file: Path, key: str, adapter: TypeAdapter[T], value: object) -> T:
    try:
        return adapter.validate_python(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in ((key,) if key else ()) + first["loc"])
        raise InvalidInput(f"{file}: {place}: {first['msg']}") from error
