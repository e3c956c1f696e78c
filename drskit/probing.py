"""Checks carried out: what is asked of instances in one pass, within bounds.

A pass has a budget: many servers that do not answer must not keep others from
being advanced. What was asked in a pass is kept for its later steps, so that no
step asks twice.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from drskit.checking import CALLS_AT_ONCE
from drskit.checkrounds import CallSeen, CheckSeen, Due, Key, Part, Target, batches, checked_waves, due
from drskit.checks import CheckKind, Checks, ProbeCall, Shell
from drskit.edit import changed
from drskit.errors import Unavailable
from drskit.model import Execution, ServerRun, SourceServer, WaveRun
from drskit.ports import NotExecuted, Unknown
from drskit.probes import (
    COMMAND_SECONDS,
    Answer,
    Ask,
    Finding,
    Matcher,
    Nameless,
    ask_of,
    command_of,
    judged,
    judged_run,
)
from drskit.remote import POWERSHELL, SHELL, Remote, RemoteCommand, Sent

MOST_ASKS = 400
"""Probes of ports and URLs in a pass."""


@dataclass(frozen=True)
class Health:
    """EC2's own checks of an instance, in EC2's words: ok, impaired, initializing, insufficient-data."""

    instance: str
    system: str
    details: str = ""


class Inspection(Protocol):
    """EC2 in one account and Region, asked about instances; answers whole or raises `Unavailable`."""

    def addresses(self, instance_ids: Iterable[str]) -> dict[str, tuple[str | None, str | None]]:
        """The private and the public address of each; one that EC2 does not know is missing."""

    def health(self, instance_ids: Iterable[str]) -> dict[str, Health]:
        """EC2's own checks of each; one that does not run, or that EC2 does not know, is missing."""

    def screenshot(self, instance_id: str) -> str | None:
        """A picture of its console, a JPEG in base64; None where EC2 gives none, for whatever reason."""


class Prober(Protocol):
    """Whoever tries ports and URLs."""

    def ask(self, asks: Sequence[Ask]) -> list[Answer]:
        """The answers in their order; fewer than asked where time ran out, one at least.

        Raises:
            Unavailable: nothing could be tried at all.
        """


@dataclass(frozen=True)
class Instruments:
    """What checks are carried out with, in one account and Region."""

    inspection: Inspection
    remote: Remote
    prober: Prober
    found: Matcher


InstrumentsFor = Callable[[Execution], Instruments]
SourceServers = Callable[[Iterable[str]], tuple[SourceServer, ...]]


def nothing_to_check_with(execution: Execution) -> Instruments:
    """For workers that were given nothing to check with.

    Raises:
        Unavailable: always.
    """
    raise Unavailable(
        f"Execution {execution.execution_id} has checks, and this worker cannot carry them out. Run `drskit poll`.",
        "a worker without checks",
    )


@dataclass
class Probing:
    """What one pass has asked so far, of all executions of an account and Region."""

    source_servers: SourceServers
    left: int = MOST_ASKS
    _targets: dict[str, Target] = field(default_factory=dict)
    _parts: dict[tuple[str, str, int, int], Part] = field(default_factory=dict)
    _calls: dict[str, CallSeen] = field(default_factory=dict)

    def observe(self, execution: Execution, instruments_for: InstrumentsFor, now: datetime) -> CheckSeen:
        """What is to be known for the next step of this execution's checks.

        Raises:
            Unavailable: AWS could not be asked.
        """
        waves = list(checked_waves(execution))
        if not waves:
            return CheckSeen()
        instruments = instruments_for(execution)
        targets, parts, calls = dict[str, Target](), dict[str, Part](), dict[str, CallSeen]()
        for _, wave, checks in waves:
            targets |= self._located(checks, wave, instruments)
            placed = wave.model_copy(update={"servers": tuple(_placed(server, targets) for server in wave.servers)})
            calls |= self._followed(checks, placed, instruments)
            part = self._asked(execution, checks, placed, instruments, now)
            if part is not None:
                parts[wave.wave_name] = part
        return CheckSeen(targets, parts, calls)

    # --- where -------------------------------------------------------------------------------------------------------

    def _located(self, checks: Checks, wave: WaveRun, instruments: Instruments) -> dict[str, Target]:
        """Where the instances are reached of which that is not known, asked once a pass."""
        named = " ".join(check.target for check in checks.all)
        lacking = {
            server.source_server_id: server
            for server in wave.servers
            if server.checks and server.recovery_instance_id and _lacks(server, named)
        }
        fresh = {name: server for name, server in lacking.items() if name not in self._targets}
        if fresh:
            ids = [server.recovery_instance_id for server in fresh.values() if server.recovery_instance_id]
            found = instruments.inspection.addresses(ids)
            hosts: dict[str, str] = {}
            if "{hostname}" in named:
                hosts = {one.source_server_id: one.hostname for one in self.source_servers(fresh) if one.hostname}
            for name, server in fresh.items():
                private, public = found.get(server.recovery_instance_id or "", (None, None))
                self._targets[name] = Target(private, public, hosts.get(name))
        return {name: self._targets[name] for name in lacking}

    # --- the round ---------------------------------------------------------------------------------------------------

    def _asked(
        self, execution: Execution, checks: Checks, wave: WaveRun, instruments: Instruments, now: datetime
    ) -> Part | None:
        """What is asked of the round now; None where it is not its turn, or this pass has asked enough."""
        questions = due(checks, wave, now)
        if wave.checking is None or now < wave.checking.round_at:
            return None
        key = execution.execution_id, wave.wave_name, wave.checking.round, wave.checking.position
        if key not in self._parts:
            if self.left <= 0 and questions:
                return None
            self._parts[key] = self._ask(checks, questions, instruments)
        return self._parts[key]

    def _ask(self, checks: Checks, questions: Sequence[Due], instruments: Instruments) -> Part:
        some, cut = _portion(checks, questions, self.left)
        findings: dict[Key, Finding] = {}
        findings |= _healths(some, instruments)
        sendable, offline = _online(checks, some, instruments)
        findings |= offline
        asks: list[tuple[Due, Ask]] = []
        for question in some:
            if question.by_ssm or question.check.kind is CheckKind.EC2_STATUS:
                continue
            try:
                asks.append((question, ask_of(question.check, question.server)))
            except Nameless as unknown:
                findings[question.key] = Finding(False, str(unknown))
        answers = instruments.prober.ask([ask for _, ask in asks]) if asks else []
        self.left -= len(answers)
        for (question, _), answer in zip(asks, answers, strict=False):
            findings[question.key] = judged(question.check, answer, instruments.found)
        if len(answers) < len(asks):
            cut = asks[len(answers)][0].place
        if cut is None:
            return Part(findings, sendable, None)
        before = {question.key for question in some if question.place < cut}
        kept = {name: finding for name, finding in findings.items() if name in before}
        return Part(kept, tuple(name for name in sendable if name in before), cut)

    # --- commands ----------------------------------------------------------------------------------------------------

    def _followed(self, checks: Checks, wave: WaveRun, instruments: Instruments) -> dict[str, CallSeen]:
        """What became of the commands under way, asked once a pass."""
        calls = wave.checking.calls if wave.checking else ()
        fresh = [call for call in calls if call.call_id not in self._calls]
        lost = [call for call in fresh if call.command_id is None]
        found = (
            instruments.remote.find([call.call_id for call in lost], since=min(call.signed_at for call in lost))
            if lost
            else {}
        )
        for call in fresh:
            command_id = call.command_id or found.get(call.call_id)
            findings = _ended(checks, wave, call, command_id, instruments) if command_id else {}
            self._calls[call.call_id] = CallSeen(command_id, findings)
        return {call.call_id: self._calls[call.call_id] for call in calls}

    def carry_out(
        self, execution: Execution, calls: Sequence[tuple[str, ProbeCall]], instruments_for: InstrumentsFor
    ) -> dict[str, Sent | NotExecuted | Unknown]:
        """Send commands whose intents were written, each once; what was not sent has no outcome here."""
        outcomes: dict[str, Sent | NotExecuted | Unknown] = {}
        remote = instruments_for(execution).remote
        for wave_name, call in calls:
            command = remote_command(execution, wave_name, call)
            outcome = remote.send(command)
            outcomes[call.call_id] = outcome
            if isinstance(outcome, Sent):
                self._calls[call.call_id] = CallSeen(outcome.command_id)
        return outcomes


def remote_command(execution: Execution, wave_name: str, call: ProbeCall) -> RemoteCommand:
    """The command of a call, the same whenever it is made."""
    plan_wave = next(wave for wave in execution.plan.waves if wave.name == wave_name)
    checks, wave = plan_wave.checks, execution.wave(wave_name)
    servers = [server for server in wave.servers if server.source_server_id in set(call.server_ids)]
    assert checks is not None  # a call belongs to a check
    text = command_of(checks.all[call.check], checks, servers[0])
    return RemoteCommand(
        mark=call.call_id,
        signed_at=call.signed_at,
        instance_ids=tuple(server.recovery_instance_id for server in servers if server.recovery_instance_id),
        document=SHELL if checks.shell is Shell.SH else POWERSHELL,
        parameters=(("commands", (text,)), ("executionTimeout", (str(COMMAND_SECONDS),))),
        about=f"check {checks.all[call.check].kind} of {execution.plan_id}",
    )


def _lacks(server: ServerRun, named: str) -> bool:
    """Whether something is not known of a server that is asked for."""
    if server.private_ip is None:
        return True
    return (server.public_ip is None and "{public_ip}" in named) or (server.hostname is None and "{hostname}" in named)


def _placed(server: ServerRun, targets: Mapping[str, Target]) -> ServerRun:
    target = targets.get(server.source_server_id)
    known = {} if target is None else {name: value for name, value in vars(target).items() if value is not None}
    return changed(server, **known)


def _portion(checks: Checks, questions: Sequence[Due], most: int) -> tuple[list[Due], int | None]:
    """As many questions from the beginning as one pass asks, and the place of the first that it does not."""
    some: list[Due] = []
    asks, texts = 0, set[tuple[int, str]]()
    for question in questions:
        if question.by_ssm:
            with suppress(Nameless):
                texts |= set(batches(checks, [question]))
        elif question.check.kind is not CheckKind.EC2_STATUS:
            asks += 1
        if asks > most or len(texts) > CALLS_AT_ONCE:
            return some, question.place
        some.append(question)
    return some, None


def _healths(questions: Sequence[Due], instruments: Instruments) -> dict[Key, Finding]:
    """EC2's own checks of all that are to be asked for them."""
    mine = [question for question in questions if question.check.kind is CheckKind.EC2_STATUS]
    ids = [question.server.recovery_instance_id for question in mine if question.server.recovery_instance_id]
    known = instruments.inspection.health(ids) if ids else {}
    return {question.key: _healthy(known.get(question.server.recovery_instance_id or "")) for question in mine}


def _healthy(health: Health | None) -> Finding:
    if health is None:
        return Finding(False, "not running")
    good = (health.instance, health.system) == ("ok", "ok")
    return Finding(good, f"instance {health.instance}, system {health.system}", health.details)


def _online(
    checks: Checks, questions: Sequence[Due], instruments: Instruments
) -> tuple[tuple[Key, ...], dict[Key, Finding]]:
    """What can be asked by a command now, and what is found of those that cannot."""
    mine = [question for question in questions if question.by_ssm]
    ids = {question.server.recovery_instance_id for question in mine if question.server.recovery_instance_id}
    online = instruments.remote.online(sorted(ids)) if ids else frozenset()
    sendable, findings = [], dict[Key, Finding]()
    for question in mine:
        if question.server.recovery_instance_id not in online:
            findings[question.key] = Finding(False, "its SSM agent does not answer")
            continue
        try:
            command_of(question.check, checks, question.server)
        except Nameless as unknown:
            findings[question.key] = Finding(False, str(unknown))
        else:
            sendable.append(question.key)
    return tuple(sendable), findings


def _ended(
    checks: Checks, wave: WaveRun, call: ProbeCall, command_id: str, instruments: Instruments
) -> dict[str, Finding]:
    """What was found on the instances on which a command has ended, by source server."""
    servers = {server.recovery_instance_id: server.source_server_id for server in wave.servers}
    check, found = checks.all[call.check], dict[str, Finding]()
    for run in instruments.remote.runs(command_id):
        server_id = servers.get(run.instance_id)
        if server_id not in call.server_ids or server_id is None or not run.ended:
            continue
        output, digest = run.output, None
        if check.kind is CheckKind.INTEGRITY and (whole := instruments.remote.output(command_id, run.instance_id)):
            output = whole.stdout if run.status == "Success" else f"{whole.stdout}{whole.stderr}"
            digest = hashlib.sha256(whole.stdout.encode()).hexdigest()
        finding = judged_run(check, run.status, run.exit_code, output, instruments.found)
        found[server_id] = Finding(finding.good, finding.code, finding.text, digest, command_id)
    return found
