"""How large the items of an execution can become before it ends.

Asked before a drill starts: each text at its limit, each server with every
field it can have. What does not fit then is refused, so that no write fails
half-way.
"""

from datetime import datetime, timedelta
from heapq import nlargest

from drskit.bounds import (
    DECISIONS,
    HEADER_BYTES,
    ITEM_BYTES,
    KEY_BYTES,
    PERSON_BYTES,
    TEXT_BYTES,
    WAITING_BYTES,
    bounded,
)
from drskit.checking import CALLS_AT_ONCE, CODE_BYTES
from drskit.checks import EVIDENCE_BYTES, LINES_BYTES, Checking, CheckKind, CheckRun, Checks, CheckState, ProbeCall
from drskit.errors import Refused
from drskit.history import frozen_instances, frozen_snapshots, narrate
from drskit.model import (
    SERVERS_PER_JOB,
    Attempt,
    AttemptStatus,
    Deadline,
    Decision,
    Execution,
    Phase,
    PhaseSpan,
    RecoverySnapshot,
    ServerRun,
    ServerStatus,
    WaveRun,
    WaveStatus,
)
from drskit.money import Size
from drskit.remote import MOST_INSTANCES
from drskit.store import codec
from drskit.store.attributes import item_bytes, to_item

KEYS_BYTES = 300
"""An item's own keys, WriteId and Stamp."""
LAUNCHES = 4
"""How often a server's phases could be kept; a phase that begins again takes the place of its earlier span."""
SNAPSHOT_ID = "pit-" + "0" * 17
JOB_ID = "drsjob-" + "0" * 17
FOUND_CHARACTERS = 20
"""EC2's word for an instance."""
ULID_CHARACTERS = 26
UUID_CHARACTERS = 36
DIGEST_CHARACTERS = 64
ADDRESS_CHARACTERS = 45
HOST_CHARACTERS = 255
PROOF_BYTES = 160
"""An instance, what DRS and EC2 said of it, and the cleanup's id."""
INSTANCE_ID = "i-" + "0" * 17


def largest_item_bytes(execution: Execution) -> int:
    """The size that the execution's largest item can reach."""
    return max(_sizes(execution).values())


def largest_header_bytes(execution: Execution) -> int:
    """The size that the header can reach."""
    return item_bytes(to_item(codec.header_values(_worst(execution)))) + HEADER_BYTES - codec.SUMMARY_BYTES


def ensure_fits(execution: Execution) -> None:
    """Refuse an execution of which some item could outgrow its limit.

    Raises:
        Refused: which item, how large, and what to do.
    """
    if execution.key and len(execution.key.encode()) > KEY_BYTES:
        raise Refused(
            f"The key of an idempotent start has {len(execution.key.encode())} bytes; {KEY_BYTES} are kept. Shorten it."
        )
    too_large = [(suffix, size) for suffix, size in _sizes(execution).items() if size > ITEM_BYTES]
    if too_large:
        suffix, size = too_large[0]
        raise Refused(
            f"Plan {execution.plan_id} is too large to execute: its item {suffix} could reach {size} bytes, and "
            f"{ITEM_BYTES} are kept. Split its groups and waves, or the plan."
        )
    header = largest_header_bytes(execution)
    if header > HEADER_BYTES:
        raise Refused(
            f"Plan {execution.plan_id} is too large to execute: its header could reach {header} bytes, and "
            f"{HEADER_BYTES} are kept. Shorten its names."
        )


def _sizes(execution: Execution) -> dict[str, int]:
    worst = _worst(execution)
    sizes = {suffix: item_bytes(to_item(codec.content(part))) for suffix, part in codec.parts(worst).items()}
    sizes["EVENT"] = max(_start_bytes(execution), _event_bytes(worst))
    return {suffix: KEYS_BYTES + size for suffix, size in sizes.items()}


def _start_bytes(execution: Execution) -> int:
    """The first event names all servers; its other facts are in the header, too, and none of them grows."""
    facts = {
        "Groups": [group.to_json() for group in execution.groups],
        "Replace": list(execution.replace),
        "Instances": frozen_instances(execution),
        "Snapshots": frozen_snapshots(execution),
        "Kept": [one.to_json() for one in execution.kept],
        "Authority": execution.authority.to_json() if execution.authority else None,
    }
    return HEADER_BYTES + item_bytes(to_item(facts))


def _event_bytes(worst: Execution) -> int:
    """The largest event when everything changes at once, as the history would tell it."""
    quiet = tuple(
        WaveRun(
            wave_name=wave.wave_name,
            servers=tuple(ServerRun(source_server_id=server.source_server_id) for server in wave.servers),
        )
        for wave in worst.waves
    )
    before = worst.model_copy(update={"waves": quiet, "attempts": ()})
    _, events = narrate(before, worst, now=worst.start_time, actor="x" * PERSON_BYTES)
    return max((item_bytes(to_item({"": event.to_json()})) for event in events), default=0)


def _worst(execution: Execution) -> Execution:
    waves = tuple(_worst_wave(execution, wave) for wave in execution.waves)
    attempts = tuple(_worst_attempt(execution, wave) for wave in execution.waves)
    time = execution.start_time + timedelta(microseconds=1)
    grown = {
        "waiting_for": "x" * WAITING_BYTES,
        "started_by": "x" * PERSON_BYTES,
        "key": "x" * KEY_BYTES,
        "end_time": execution.start_time,
        "due": execution.start_time,
        "deadline": Deadline(at=time, passed=time) if execution.deadline else None,
        "version": 10**9,
        "events": 10**9,
        "head": "x" * 64,
        "waves": waves,
        "attempts": attempts,
        "notices": (),
        "reminder": time if execution.plan.notify else None,
        "kept": tuple(one.model_copy(update={"found": "x" * FOUND_CHARACTERS}) for one in execution.kept),
    }
    return bounded(execution.model_copy(update=grown))


def _worst_wave(execution: Execution, wave: WaveRun) -> WaveRun:
    """The wave at its largest, with one item of servers: no other of them can be larger."""
    time = execution.start_time + timedelta(microseconds=1)
    decision = Decision(by="x" * PERSON_BYTES, at=time, reason="x" * TEXT_BYTES)
    times = dict.fromkeys(("start_time", "end_time", "waiting_since", "approve_by", "not_before"), time)
    words = {"status": WaveStatus.WAITING_APPROVAL, **dict.fromkeys(DECISIONS, decision)}
    longest = nlargest(SERVERS_PER_JOB, wave.servers, key=lambda server: len(server.name.encode()))
    checks = next((part.checks for part in execution.plan.waves if part.name == wave.wave_name), None)
    servers = tuple(_worst_server(server, execution, checks) for server in longest)
    words["checking"] = _worst_checking(wave, time) if checks else None
    return wave.model_copy(update=times | words | {"reason": "x" * TEXT_BYTES, "servers": servers})


def _worst_checking(wave: WaveRun, time: datetime) -> Checking:
    """As many commands under way as there can be, each to as many instances as one takes."""
    some = tuple(server.source_server_id for server in wave.servers[:MOST_INSTANCES])
    call = ProbeCall(
        call_id="x" * (ULID_CHARACTERS + 4), check=99, server_ids=some, signed_at=time, command_id="x" * UUID_CHARACTERS
    )
    return Checking(since=time, round=99_999, round_at=time, position=99_999, calls=(call,) * CALLS_AT_ONCE * 2)


def _worst_checks(checks: Checks | None, time: datetime) -> tuple[CheckRun, ...]:
    """Every check at its largest."""
    times = dict.fromkeys(("first_time", "since", "passed_time"), time)
    return tuple(
        CheckRun(
            state=CheckState.WAITING, attempts=99_999, reds=999, **times, code="x" * CODE_BYTES,
            text="x" * (EVIDENCE_BYTES if check.kind is CheckKind.INTEGRITY else LINES_BYTES),
            digest="x" * DIGEST_CHARACTERS, command_id="x" * UUID_CHARACTERS,
        )
        for check in (checks.all if checks else ())
    )  # fmt: skip


def _worst_server(server: ServerRun, execution: Execution, checks: Checks | None) -> ServerRun:
    time = execution.start_time + timedelta(microseconds=1)
    span = PhaseSpan(phase=Phase.CONVERSION, start_time=time, end_time=time)
    times = dict.fromkeys(("request_time", "snapshot_time", "start_time", "end_time"), time)
    words = {
        "status": ServerStatus.TERMINATED,
        "launch_status": "TERMINATED",
        "job_id": JOB_ID,
        "attempt": 99,
        "recovery_instance_id": INSTANCE_ID,
        "phases": (span,) * len(Phase) * LAUNCHES,
        "snapshot": RecoverySnapshot(snapshot_id=SNAPSHOT_ID, time=time) if server.snapshot else None,
        "error": "x" * TEXT_BYTES,
        **({"private_ip": "x" * ADDRESS_CHARACTERS, "public_ip": "x" * ADDRESS_CHARACTERS} if checks else {}),
        **({"hostname": "x" * HOST_CHARACTERS, "verified_time": time, "unchecked": "x" * TEXT_BYTES} if checks else {}),
        "checks": _worst_checks(checks, time),
        "proof": "x" * PROOF_BYTES,
        "size": Size(instance_type="x" * 30, gib=10**6, windows=True, seen=True) if execution.budget else None,
        "gone": time,
        "terminated_by": "x" * ULID_CHARACTERS,
    }
    return server.model_copy(update=times | words)


def _worst_attempt(execution: Execution, wave: WaveRun) -> Attempt:
    """The fullest chunk of a wave; its other attempts are no larger."""
    time = execution.start_time
    some = tuple(server.source_server_id for server in wave.servers[:SERVERS_PER_JOB])
    pinned = any(server.snapshot is not None for server in wave.servers)
    return Attempt(
        attempt_id=f"{wave.wave_name}",
        wave_name=wave.wave_name,
        chunk=0,
        number=1,
        signed_at=time,
        server_ids=some,
        snapshots=dict.fromkeys(some, SNAPSHOT_ID) if pinned else {},
        status=AttemptStatus.NOT_EXECUTED,
        job_id=JOB_ID,
        job_status="COMPLETED",
        creation_time=time,
        end_time=time,
        outcome="x" * TEXT_BYTES,
        blocked_by=JOB_ID,
        refused_since=time,
        missing_since=time,
    )
