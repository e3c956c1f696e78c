"""How the checks of a wave go on.

Pure. A round asks every open question of every server that is not verified yet,
in a fixed order and perhaps in parts; a part is what one pass had time for. A
server is verified at the end of a look at which all of its checks had passed:
what a probe found good is asked again each round until then, a command that
succeeded is not. What is written is what changed: an answer that stays the same
costs nothing.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from drskit.bounds import shortened
from drskit.checkrounds import CallSeen, CheckSeen, Key, Part, Target, batches, deadline_of, due, is_open
from drskit.checks import (
    EVIDENCE_BYTES,
    LINES_BYTES,
    Check,
    Checking,
    CheckKind,
    CheckRun,
    Checks,
    CheckState,
    ProbeCall,
)
from drskit.edit import changed, with_servers
from drskit.model import Execution, ServerRun, ServerStatus, Wave, WaveRun
from drskit.ports import NotExecuted, Unknown
from drskit.probes import COMMAND_SECONDS, Finding, by_ssm, first_lines
from drskit.remote import MOST_INSTANCES, Sent

CALLS_AT_ONCE = 20
"""How many commands a step sends at most."""
FORGOTTEN_AFTER = timedelta(seconds=60)
"""How old the intent of a probe must be before its absence lets it be sent again: it may be repeated, so no proof is
needed as of a launch."""
SILENT_AFTER = timedelta(seconds=COMMAND_SECONDS + 180)
"""How long a command may be without an end: its delivery, its run, and some room."""
CODE_BYTES = 200

# --- one step --------------------------------------------------------------------------------------------------------


def check_wave(plan_wave: Wave, wave: WaveRun, seen: CheckSeen, now: datetime, fresh_id: str) -> WaveRun:
    """The wave after a look at its checks; they begin where they have not begun."""
    checks = plan_wave.checks
    if checks is None or not any(map(is_open, wave.servers)):
        return wave
    if wave.checking is None:
        return _begun(checks, wave, now)
    wave = with_servers(wave, lambda server: _placed(server, seen.targets.get(server.source_server_id)))
    wave, answers = _answers(wave, seen, now)
    part = seen.parts.get(wave.wave_name)
    if part is not None:
        answers = answers | dict(part.findings)
    wave = with_servers(wave, lambda server: _learned(checks, wave, server, answers, now))
    if part is not None and wave.checking is not None:
        wave = _sending(checks, wave, part, now, fresh_id)
        wave = _moved_on(checks, wave, part, now)
    wave = with_servers(wave, lambda server: _settled(checks, server, wave, now))
    return wave if any(map(is_open, wave.servers)) else _closed(wave)


def _begun(checks: Checks, wave: WaveRun, now: datetime) -> WaveRun:
    fresh = tuple(CheckRun() for _ in checks.all)
    wave = with_servers(wave, lambda server: changed(server, checks=fresh) if is_open(server) else server)
    return wave.model_copy(update={"checking": Checking(since=now, round_at=now)})


def _closed(wave: WaveRun) -> WaveRun:
    if wave.checking is None or not wave.checking.calls:
        return wave
    return wave.model_copy(update={"checking": wave.checking.model_copy(update={"calls": ()})})


def _placed(server: ServerRun, target: Target | None) -> ServerRun:
    if target is None:
        return server
    known = {name: value for name, value in vars(target).items() if value is not None}
    return changed(server, **known)


def _answers(wave: WaveRun, seen: CheckSeen, now: datetime) -> tuple[WaveRun, dict[Key, Finding]]:
    """What became of the commands under way, and the wave without those that are over."""
    checking = wave.checking
    if checking is None or not checking.calls:
        return wave, {}
    found: dict[Key, Finding] = {}
    kept = []
    for call in checking.calls:
        after, ended = _followed(call, seen.calls.get(call.call_id), now)
        found |= {(server_id, call.check): finding for server_id, finding in ended.items()}
        kept += [after] if after is not None else []
    calls = tuple(kept)
    if calls == checking.calls:
        return wave, found
    return wave.model_copy(update={"checking": checking.model_copy(update={"calls": calls})}), found


def _followed(call: ProbeCall, seen: CallSeen | None, now: datetime) -> tuple[ProbeCall | None, dict[str, Finding]]:
    """The call as it goes on, None when it is over; and what was found by it."""
    if seen is None:
        return call, {}
    if call.command_id is None and seen.command_id is None:
        return (None if now >= call.signed_at + FORGOTTEN_AFTER else call), {}
    ended = {server_id: seen.findings[server_id] for server_id in call.server_ids if server_id in seen.findings}
    left = tuple(server_id for server_id in call.server_ids if server_id not in ended)
    if left and now >= call.signed_at + SILENT_AFTER:
        silent = Finding(False, "no end", "Systems Manager shows no end of the command", command_id=seen.command_id)
        return None, ended | dict.fromkeys(left, silent)
    if not left:
        return None, ended
    return call.model_copy(update={"server_ids": left, "command_id": call.command_id or seen.command_id}), ended


def _learned(
    checks: Checks, wave: WaveRun, server: ServerRun, answers: Mapping[Key, Finding], now: datetime
) -> ServerRun:
    if not is_open(server) or wave.checking is None:
        return server
    attempts = wave.checking.round
    runs = tuple(
        _told(run, answers[key], checks=checks, check=check, attempts=attempts, now=now)
        if (key := (server.source_server_id, index)) in answers
        else run
        for index, (check, run) in enumerate(zip(checks.all, server.checks, strict=True))
    )
    late = now >= deadline_of(checks, wave.checking)
    runs = tuple(
        _given_up(run, answers.get((server.source_server_id, index)), checks, attempts, late=late)
        for index, run in enumerate(runs)
    )
    return changed(server, checks=runs)


def _told(run: CheckRun, finding: Finding, *, checks: Checks, check: Check, attempts: int, now: datetime) -> CheckRun:
    """The run after an answer; the same value where the answer is the same."""
    code = shortened(finding.code, CODE_BYTES)
    state = CheckState.PASSED if finding.good else CheckState.RED
    reds = 0 if finding.good or checks.retries is None else run.reds + 1
    same = (run.state, run.code) == (state, code)
    if same and reds == run.reds:
        return run
    integrity = check.kind is CheckKind.INTEGRITY
    text = shortened(finding.text, EVIDENCE_BYTES) if integrity else shortened(first_lines(finding.text), LINES_BYTES)
    return run.model_copy(
        update={
            "state": state, "attempts": attempts, "reds": reds,
            "first_time": run.first_time or now, "since": run.since if same else now,
            "passed_time": (run.passed_time or now) if finding.good else run.passed_time,
            "code": code, "text": text or None, "digest": finding.digest, "command_id": finding.command_id,
        }
    )  # fmt: skip


def _given_up(run: CheckRun, finding: Finding | None, checks: Checks, attempts: int, *, late: bool) -> CheckRun:
    """The run as failed, where it has failed for good: too often, or with a fresh answer after its time."""
    if run.state is not CheckState.RED:
        return run
    often = checks.retries is not None and run.reds > checks.retries
    if not (often or (late and finding is not None)):
        return run
    fresh = {} if finding is None else {"text": shortened(first_lines(finding.text), LINES_BYTES) or None}
    if run.digest is not None:
        fresh = {}
    return run.model_copy(update={"state": CheckState.FAILED, "attempts": attempts} | fresh)


def _sending(checks: Checks, wave: WaveRun, part: Part, now: datetime, fresh_id: str) -> WaveRun:
    """The wave with an intent for each command that is to be sent."""
    checking = wave.checking
    if checking is None or not part.sendable:
        return wave
    wanted = set(part.sendable)
    questions = [question for question in due(checks, wave, now) if question.key in wanted]
    calls = list(checking.calls)
    for (index, _), some in batches(checks, questions).items():
        ids = [question.server.source_server_id for question in some]
        for start in range(0, len(ids), MOST_INSTANCES):
            chunk = tuple(ids[start : start + MOST_INSTANCES])
            name = f"{fresh_id}.{len(calls)}"
            calls.append(ProbeCall(call_id=name, check=index, server_ids=chunk, signed_at=now.replace(microsecond=0)))
    return wave.model_copy(update={"checking": checking.model_copy(update={"calls": tuple(calls)})})


def _moved_on(checks: Checks, wave: WaveRun, part: Part, now: datetime) -> WaveRun:
    """The wave at the next part of the round, or at the next round."""
    checking = wave.checking
    if checking is None:
        return wave
    if part.position is not None:
        after = checking.model_copy(update={"position": part.position})
    else:
        following = max(checking.round_at + checks.every, now + timedelta(seconds=1))
        end = deadline_of(checks, checking)
        if now < end < following:
            following = end
        after = checking.model_copy(update={"position": 0, "round": checking.round + 1, "round_at": following})
    return wave.model_copy(update={"checking": after})


def _settled(checks: Checks, server: ServerRun, wave: WaveRun, now: datetime) -> ServerRun:
    """The server as verified or failed, where its checks are over."""
    checking = wave.checking
    if not is_open(server) or checking is None or not server.checks:
        return server
    if now >= deadline_of(checks, checking):
        running = {(name, call.check) for call in checking.calls for name in call.server_ids}
        server = changed(server, checks=_out_of_time(checks, server, running, checking))
    if all(run.state is CheckState.PASSED for run in server.checks):
        return changed(server, status=ServerStatus.VERIFIED, verified_time=now)
    failed = next(
        (pair for pair in zip(checks.all, server.checks, strict=True) if pair[1].state is CheckState.FAILED), None
    )
    if failed is None:
        return server
    return changed(server, status=ServerStatus.FAILED, error=_why(checks, *failed))


def _out_of_time(checks: Checks, server: ServerRun, running: set[Key], checking: Checking) -> tuple[CheckRun, ...]:
    """Commands that ended badly before the end of the time, and are not asked again."""
    return tuple(
        run.model_copy(update={"state": CheckState.FAILED, "attempts": max(run.attempts, checking.round - 1)})
        if by_ssm(checks, check) and run.state is CheckState.RED and (server.source_server_id, index) not in running
        else run
        for index, (check, run) in enumerate(zip(checks.all, server.checks, strict=True))
    )


def _why(checks: Checks, check: Check, run: CheckRun) -> str:
    minutes = f"{checks.timeout.total_seconds() / 60:g} min"
    often = checks.retries is not None and run.reds > checks.retries
    within = f"failed {run.reds} times in a row" if often else f"did not pass within {minutes}"
    said = f": {run.text.splitlines()[0]}" if run.text else ""
    return f"its check {check.name} {within}, asked {run.attempts} times; last answer {run.code}{said}"


# --- commands --------------------------------------------------------------------------------------------------------


def new_calls(before: Execution, after: Execution) -> tuple[tuple[str, ProbeCall], ...]:
    """The commands whose intent is new, each with its wave."""
    known = {call.call_id for wave in before.waves if wave.checking for call in wave.checking.calls}
    return tuple(
        (wave.wave_name, call)
        for wave in after.waves
        if wave.checking
        for call in wave.checking.calls
        if call.call_id not in known and call.command_id is None
    )


def call_sent(execution: Execution, outcomes: Mapping[str, Sent | NotExecuted | Unknown], now: datetime) -> Execution:
    """The execution after its commands were sent; after an unknown outcome a call stays open until a look can tell."""
    waves = tuple(
        _wave_sent(plan_wave, wave, outcomes, now)
        for plan_wave, wave in zip(execution.plan.waves, execution.waves, strict=True)
    )
    return execution.model_copy(update={"waves": waves})


def _wave_sent(
    plan_wave: Wave, wave: WaveRun, outcomes: Mapping[str, Sent | NotExecuted | Unknown], now: datetime
) -> WaveRun:
    checking, checks = wave.checking, plan_wave.checks
    if checking is None or checks is None or not any(call.call_id in outcomes for call in checking.calls):
        return wave
    kept, answers = [], dict[Key, Finding]()
    for call in checking.calls:
        outcome = outcomes.get(call.call_id)
        if isinstance(outcome, Sent) and call.command_id is None:
            kept.append(call.model_copy(update={"command_id": outcome.command_id}))
        elif isinstance(outcome, NotExecuted) and call.command_id is None:
            if not outcome.transient:
                refused = Finding(False, outcome.code, outcome.message)
                answers |= {(server_id, call.check): refused for server_id in call.server_ids}
        else:
            kept.append(call)
    wave = wave.model_copy(update={"checking": checking.model_copy(update={"calls": tuple(kept)})})
    return with_servers(wave, lambda server: _learned(checks, wave, server, answers, now)) if answers else wave


# --- endings ---------------------------------------------------------------------------------------------------------


def without_checks(wave: WaveRun, why: str, only: frozenset[str] | None = None) -> WaveRun:
    """The wave with the checks of its open servers given up, or of some of them; none of those is verified."""

    def give_up(server: ServerRun) -> ServerRun:
        mine = is_open(server) and (only is None or server.source_server_id in only)
        return changed(server, unchecked=why) if mine else server

    after = with_servers(wave, give_up)
    return after if any(map(is_open, after.servers)) else _closed(after)


def to_check_again(server: ServerRun) -> bool:
    """Whether a retry has the server checked again: it came up, runs, and its checks were not passed."""
    if server.terminated_by is not None or server.gone is not None:
        return False
    failed = any(run.state is CheckState.FAILED for run in server.checks)
    return (server.status is ServerStatus.FAILED and failed) or (
        server.status is ServerStatus.LAUNCHED and server.unchecked is not None
    )


def afresh(server: ServerRun) -> ServerRun:
    """The server as it came up, before its checks."""
    return changed(server, status=ServerStatus.LAUNCHED, checks=(), unchecked=None, error=None, verified_time=None)


# --- when, and what is said ------------------------------------------------------------------------------------------


def check_times(wave: WaveRun, now: datetime, near: timedelta) -> Iterator[datetime]:
    """When the checks of a wave may move."""
    if wave.checking is None:
        yield now + near
        return
    yield max(wave.checking.round_at, now + timedelta(seconds=1))
    if wave.checking.calls:
        yield now + near


def red_checks(plan_wave: Wave, wave: WaveRun) -> Iterator[tuple[ServerRun, Check, CheckRun]]:
    """What has not passed yet, of the servers that are still checked."""
    if plan_wave.checks is None:
        return
    for server in wave.servers:
        if is_open(server) and len(server.checks) == len(plan_wave.checks.all):
            for check, run in zip(plan_wave.checks.all, server.checks, strict=True):
                if run.state is not CheckState.PASSED:
                    yield server, check, run
