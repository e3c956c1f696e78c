"""Checks as reports tell of them: what each found, when it first passed, and how long all of it took. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from drskit.checks import Check, CheckKind, CheckRun, CheckState
from drskit.model import Execution, ServerRun, WaveRun
from drskit.report.measures import plan_rto, plan_rto_until_launched
from drskit.views.words import counted, moment, span

NO_CHECKS = (
    "The plan declares no checks of launched servers. LAUNCHED means that DRS said so and that its job log tells the "
    "same; nobody looked into the machines. What people looked at stands with the approvals."
)
EACH = 400
"""Up to so many answers stand one by one; of more, those that passed are told together, by wave and check."""


@dataclass(frozen=True)
class Told:
    """One line: an answer, or several alike."""

    wave: str
    server: str
    check: str
    state: CheckState
    first: str
    """When it was asked first."""
    passed: str
    """When it first passed."""
    asked: str
    answer: str


def checks_words(execution: Execution) -> str:
    """One sentence: whether checks were declared, and what became of them."""
    found = list(_all(execution))
    if not any(wave.checks for wave in execution.plan.waves):
        return NO_CHECKS
    if not found:
        return "Checks are declared, and none has been asked yet."
    passed = sum(run.state is CheckState.PASSED for _, _, _, run in found)
    servers = {server.source_server_id: server for _, server, _, _ in found}
    verified = sum(server.verified_time is not None for server in servers.values())
    return (
        f"{passed} of {counted(len(found), 'check')} passed; {verified} of {counted(len(servers), 'server')} verified. "
        "A server is verified when all of its checks had passed at the same look."
    )


def rto_words(execution: Execution, now: datetime) -> str | None:
    """What the RTO counts to where checks are declared, and what it would be without them."""
    if not any(wave.checks for wave in execution.plan.waves):
        return None
    verified, launched = plan_rto(execution, now).actual, plan_rto_until_launched(execution, now).actual
    until = f"until verified {span(verified)}" if verified is not None else "until verified not reached"
    before = f"until launched {span(launched)}" if launched is not None else "until launched not reached"
    return f"The RTO counts until verified, where checks are declared: {until}; {before}."


def lines(execution: Execution) -> tuple[Told, ...]:
    """Every answer; of very many, those that passed are told together."""
    found = list(_all(execution))
    if len(found) <= EACH:
        return tuple(_line(*one) for one in found)
    together: dict[tuple[str, str], list[CheckRun]] = {}
    single = []
    for wave, server, check, run in found:
        if run.state is CheckState.PASSED and check.kind is not CheckKind.INTEGRITY:
            together.setdefault((wave.wave_name, check.name), []).append(run)
        else:
            single.append(_line(wave, server, check, run))
    return (*single, *(_joined(*names, runs) for names, runs in together.items()))


def _all(execution: Execution) -> Iterator[tuple[WaveRun, ServerRun, Check, CheckRun]]:
    declared = {plan_wave.name: plan_wave.checks for plan_wave in execution.plan.waves}
    for wave in execution.waves:
        checks = declared.get(wave.wave_name)
        for server in wave.servers:
            if checks is not None and len(server.checks) == len(checks.all):
                for check, run in zip(checks.all, server.checks, strict=True):
                    yield wave, server, check, run


def _line(wave: WaveRun, server: ServerRun, check: Check, run: CheckRun) -> Told:
    text = f": {run.text}" if run.text else ""
    digest = f" (SHA-256 {run.digest})" if run.digest else ""
    given_up = f"; {server.unchecked}" if server.unchecked and run.state is not CheckState.PASSED else ""
    asked = run.attempts
    if run.state is CheckState.RED and wave.checking is not None:
        asked = max(asked, wave.checking.round - 1)  # what stays red is asked each round, and written once
    return Told(
        wave.wave_name,
        server.name or server.source_server_id,
        check.name,
        run.state,
        moment(run.first_time) if run.first_time else "-",
        moment(run.passed_time) if run.passed_time else "-",
        str(asked),
        f"{run.code or 'none yet'}{text}{digest}{given_up}",
    )


def _joined(wave: str, check: str, runs: list[CheckRun]) -> Told:
    firsts = [run.first_time for run in runs if run.first_time]
    passes = [run.passed_time for run in runs if run.passed_time]
    asked = [run.attempts for run in runs]
    return Told(
        wave,
        counted(len(runs), "server"),
        check,
        CheckState.PASSED,
        moment(min(firsts)) if firsts else "-",
        f"{moment(min(passes))} to {moment(max(passes))}" if passes else "-",
        f"{min(asked)} to {max(asked)}",
        ", ".join(sorted({run.code or "-" for run in runs})[:5]),
    )
