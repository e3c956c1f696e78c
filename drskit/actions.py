"""The nouns of actions: what a plan does before and after a wave and at the end, and what became of it.

An `Action` is what the runbook says; a `Task` is one run of one action in an
execution, with an id of its own that travels with the request, so that a run can
be found again and is never made twice by mistake. The arrows of its status are
in `states.py`, what leads along them in `tasks.py`.
"""

from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from drskit.record import Decision, OnFailure, Record


class ActionKind(StrEnum):
    """What an action does."""

    WAIT = "wait"
    SSM_AUTOMATION = "ssm_automation"
    SSM_COMMAND = "ssm_command"
    LAMBDA = "lambda"
    SNS = "sns"
    HTTP = "http"


class ActionMode(StrEnum):
    """In which executions an action runs; a cleanup runs none."""

    DRILL = "DRILL"
    RECOVERY = "RECOVERY"


class TaskPhase(StrEnum):
    """When an action runs."""

    BEFORE = "before"
    AFTER = "after"
    FINALLY = "finally"


class TaskStatus(StrEnum):
    """What is known of one run of an action."""

    INTENT = "INTENT"
    RUNNING = "RUNNING"
    DONE = "DONE"
    FAILED = "FAILED"
    TIMED_OUT = "TIMED_OUT"
    UNKNOWN = "UNKNOWN"
    SKIPPED = "SKIPPED"


# --- what a runbook declares -----------------------------------------------------------------------------------------


class Wait(Record):
    """Nothing happens for a while."""

    kind: Literal[ActionKind.WAIT]
    span: timedelta


class Automation(Record):
    """An SSM Automation document runs."""

    kind: Literal[ActionKind.SSM_AUTOMATION]
    document: str
    version: str | None = None
    parameters: dict[str, tuple[str, ...]] = Field(default_factory=dict)


class Where(Record):
    """The instances on which a command runs: exactly one of these; none for the wave's own."""

    groups: tuple[str, ...] = ()
    """GroupIds: what this execution launched of them."""
    instances: tuple[str, ...] = ()
    """EC2 instances that are there anyway."""


class RunCommand(Record):
    """An SSM document of type Command runs on instances."""

    kind: Literal[ActionKind.SSM_COMMAND]
    document: str = "AWS-RunShellScript"
    parameters: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    on: Where = Where()


class Invoke(Record):
    """A Lambda function is called."""

    kind: Literal[ActionKind.LAMBDA]
    function: str
    qualifier: str | None = None
    payload: str | None = None
    """What the function gets, as JSON with placeholders in its strings; the whole context where there is none."""
    event: bool = False
    """Lambda only takes it on, and tells no outcome; it may deliver it more than once."""


class Publish(Record):
    """A message goes to an SNS topic."""

    kind: Literal[ActionKind.SNS]
    topic: str
    subject: str | None = None
    message: str = ""


class Secret(Record):
    """A value that stands in the SSM Parameter Store, and nowhere else."""

    parameter: str


class Call(Record):
    """An HTTP request is sent."""

    kind: Literal[ActionKind.HTTP]
    url: str
    method: str = "POST"
    headers: dict[str, str] = Field(default_factory=dict)
    secrets: dict[str, Secret] = Field(default_factory=dict)
    """Headers whose value is read from the Parameter Store when the request is sent, and is never written down."""
    body: str | None = None
    """With placeholders, in JSON in its strings; the whole context where there is none and the method sends a body."""
    expect: tuple[int, ...] = ()
    """The statuses that are good; every 2xx where there are none."""


Does = Annotated[Wait | Automation | RunCommand | Invoke | Publish | Call, Field(discriminator="kind")]


class Action(Record):
    """Something that a plan does besides launching."""

    does: Does
    modes: tuple[ActionMode, ...]
    name: str = ""
    timeout: timedelta = timedelta(minutes=15)
    retries: int = 0
    """How often it is run again when it has failed."""
    retry_after: timedelta = timedelta(seconds=30)
    on_failure: OnFailure = OnFailure.STOP
    repeatable: bool = False
    """Doing it twice is harmless: it may be sent again where nobody knows whether it was carried out."""

    @property
    def title(self) -> str:
        """How people see it: its name, or what it does to what."""
        return self.name or described(self.does)


def described(does: Does) -> str:
    """What is done, in a few words."""
    match does:
        case Wait(span=span):
            return f"wait {span.total_seconds():g} s"
        case Automation(document=what) | RunCommand(document=what) | Invoke(function=what) | Publish(topic=what):
            return f"{does.kind.value} {what}"
        case Call(method=method, url=url):
            return f"{method} {url.partition('?')[0]}"


# --- what an execution has become ------------------------------------------------------------------------------------


class Task(Record):
    """One run of an action."""

    task_id: str
    """A ULID. What is asked for carries it: as a token, a comment, or a header."""
    wave_name: str | None = None
    """None at the end of the plan."""
    phase: TaskPhase
    index: int
    """The action's place in its list, from 0."""
    number: int
    """Counts the runs of the action from 1."""
    tries: int = 1
    """Counts them from 1 since a person last had it tried again."""
    kind: ActionKind
    title: str
    status: TaskStatus = TaskStatus.INTENT
    intended_at: AwareDatetime
    sent_at: AwareDatetime | None = None
    """The time of the intent to send it the last time, by AWS's clock; requests to AWS are signed with it."""
    sends: int = 0
    """How often its request was to be sent; more than once only where that is known to be harmless."""
    request: str | None = None
    """What is asked for, as JSON, with every placeholder filled: a repetition asks for exactly the same."""
    refused: bool = False
    """The last request was certainly not carried out; it may be sent again."""
    doubt: str | None = None
    """Why nobody knows whether the last request was carried out, while that is looked for."""
    not_before: AwareDatetime | None = None
    """When it may be sent again."""
    external_id: str | None = None
    """What it is called where it runs."""
    start_time: AwareDatetime | None = None
    end_time: AwareDatetime | None = None
    outcome: str | None = None
    output: str | None = None
    """The first lines of what it answered or wrote: proof."""
    trouble: str | None = None
    """What keeps it from being seen; it may go on all the same."""
    again: Decision | None = None
    """Who had it run once more."""
    overridden: Decision | None = None
    """Who let the execution go on although it failed."""
