"""Checks: what a plan asks of the servers of a wave before it counts as done, and what became of it.

A probe is repeatable by declaration: it reads, or it runs a command that its
author says may run again. Field names become PascalCase outside, as in `model`.
"""

from datetime import timedelta
from enum import StrEnum

from pydantic import AwareDatetime

from drskit.record import Record

EVIDENCE_BYTES = 2_000
"""How much of an integrity command's output is kept."""
LINES_BYTES = 300
"""How much of any other answer is kept."""


class CheckKind(StrEnum):
    """What is asked of a server."""

    EC2_STATUS = "ec2_status"
    """EC2's two status checks, of the instance and of the system."""
    TCP = "tcp"
    HTTP = "http"
    SSM = "ssm"
    """A command on the instance, by its exit code."""
    INTEGRITY = "integrity"
    """The same, and what it prints is kept as evidence of the data's state."""


class RunFrom(StrEnum):
    """Where a probe runs."""

    HERE = "here"
    SSM = "ssm"
    """On the server's own instance, by Systems Manager."""


class Shell(StrEnum):
    """What an instance understands."""

    SH = "sh"
    POWERSHELL = "powershell"


class Certificate(StrEnum):
    """What is made of a server's certificate."""

    VERIFY = "verify"
    IGNORE = "ignore"


class Check(Record):
    """One question that each server of a wave is asked."""

    kind: CheckKind
    target: str = ""
    """An address with its port, a URL or a command, perhaps with placeholders; empty for EC2's own checks."""
    statuses: tuple[int, ...] = ()
    """Of HTTP: the statuses that are good; any from 200 to 299 when empty. Redirects are not followed."""
    pattern: str | None = None
    """A regular expression that must be found in the answer or the output."""
    certificate: Certificate | None = None
    host: str | None = None
    """Of HTTP: the name to ask for, where the URL has an address; the certificate is held against it."""
    exit_code: int = 0
    run_from: RunFrom | None = None
    """In place of the wave's."""

    @property
    def name(self) -> str:
        """What people call it."""
        return f"{self.kind} {self.target}".strip()


class Checks(Record):
    """What a wave's servers are asked, and for how long."""

    run_from: RunFrom = RunFrom.HERE
    every: timedelta = timedelta(seconds=30)
    timeout: timedelta = timedelta(minutes=15)
    retries: int | None = None
    """How often a check may fail again before it has failed for good; until the timeout when absent."""
    shell: Shell = Shell.SH
    all: tuple[Check, ...]


class CheckState(StrEnum):
    """What is known of a check of a server."""

    WAITING = "WAITING"
    """It was not asked yet."""
    RED = "RED"
    PASSED = "PASSED"
    FAILED = "FAILED"


class CheckRun(Record):
    """What became of one check of one server; written when its answer changes, not at every look."""

    state: CheckState = CheckState.WAITING
    attempts: int = 0
    """How often it had been asked when this was written."""
    reds: int = 0
    """Of a check with retries: how often in a row it has failed."""
    first_time: AwareDatetime | None = None
    """When it was asked first."""
    since: AwareDatetime | None = None
    """Since when its answer is this."""
    passed_time: AwareDatetime | None = None
    """When it first passed."""
    code: str | None = None
    """The answer in short: a status, an exit code, or why there was none."""
    text: str | None = None
    """The first lines of the answer; of an integrity command, what it printed."""
    digest: str | None = None
    """SHA-256 of all that an integrity command printed, as far as Systems Manager keeps it."""
    command_id: str | None = None
    """The command by which it was asked last."""


class ProbeCall(Record):
    """A command that asks some servers of a wave, on its way or running."""

    call_id: str
    """The command's comment carries it."""
    check: int
    """The place of the check among the wave's."""
    server_ids: tuple[str, ...]
    """The source servers whose answer is awaited."""
    signed_at: AwareDatetime
    command_id: str | None = None
    """Systems Manager's own id; absent while the outcome of the request is not known."""


class Checking(Record):
    """How far a wave's checks are."""

    since: AwareDatetime
    round: int = 1
    round_at: AwareDatetime
    """When the round begins, or began."""
    position: int = 0
    """How many of the wave's questions the round has passed already."""
    calls: tuple[ProbeCall, ...] = ()
