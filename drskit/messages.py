"""A notice as it is sent: a subject and a plain text for people, an event for programs.

Pure, and always the same for the same notice, so that what arrives twice is
alike. Names and errors from outside are written on one line each, without
characters that steer a terminal.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from drskit.model import Execution, Mode, utc
from drskit.notices import Notice
from drskit.texts import moment, plain

SUBJECT_LENGTH = 99
"""SNS takes fewer than a hundred characters of ASCII."""
SCHEMA_VERSION = 1
"""Of an event's detail; members are added, none is taken away or given another meaning."""
SOURCE = "drskit"
DETAIL_TYPE = "drskit Notification"
TEST = "test"


@dataclass(frozen=True)
class Message:
    """What goes out."""

    notice_id: str
    group: str
    """What it is in order with: the ExecutionId."""
    subject: str
    body: str
    at: datetime
    detail: dict[str, Any] = field(default_factory=dict)
    """JSON values."""

    @property
    def attributes(self) -> dict[str, str]:
        """What a subscription can filter by."""
        return {name: str(self.detail[name]) for name in ("NotificationId", "Kind", "PlanId", "Mode", "ExecutionType")}


def message_of(execution: Execution, notice: Notice) -> Message:
    """The notice of an execution as it is sent."""
    where = f"{execution.mode.value} {execution.execution_type.value}"
    headline = plain(notice.headline)
    lines = [f"{where}: plan {execution.plan_id}: {headline}", ""]
    lines += [plain(line) for line in notice.text.splitlines() if plain(line)]
    if execution.mode is Mode.SIMULATED:
        lines += ["", "Nothing of this is real: a simulated world answered in the place of AWS."]
    lines += ["", f"Account {execution.account_id}, {execution.region}", f"Execution {execution.execution_id}"]
    lines += [f"At {moment(notice.at)}"]
    if notice.commands:
        lines += ["", "To type:", *(f"  {plain(line)}" for line in notice.commands)]
    lines += ["", f"Notification {notice.notice_id}; it may come more than once, always under this id."]
    return Message(
        notice_id=notice.notice_id,
        group=execution.execution_id,
        subject=subject(f"{where}: {execution.plan_id}: {headline}"),
        body="\n".join(lines) + "\n",
        at=notice.at,
        detail=_detail(execution, notice),
    )


def _detail(execution: Execution, notice: Notice) -> dict[str, Any]:
    return {
        "SchemaVersion": SCHEMA_VERSION,
        "NotificationId": notice.notice_id,
        "Kind": notice.kind.value,
        "Mode": execution.mode.value,
        "ExecutionType": execution.execution_type.value,
        "ExecutionId": execution.execution_id,
        "PlanId": execution.plan_id,
        "AccountId": execution.account_id,
        "Region": execution.region,
        "WaveName": notice.wave_name,
        "Time": utc(notice.at),
        "Headline": plain(notice.headline),
        "Text": [plain(line) for line in notice.text.splitlines() if plain(line)],
        "Commands": [plain(line) for line in notice.commands],
    }


def trial_message(plan_id: str, mode: Mode, account_id: str, region: str, at: datetime, *, number: str) -> Message:
    """What tells that a target can be reached, and nothing else."""
    headline = "this is a test, and nothing happened"
    body = (
        f"{mode.value} TEST: plan {plan_id}: {headline}\n\n"
        f"Somebody has tried whether notifications of this plan arrive here. They do.\n\n"
        f"Account {account_id}, {region}\nAt {moment(at)}\n\nNotification {number}\n"
    )
    detail = {
        "SchemaVersion": SCHEMA_VERSION, "NotificationId": number, "Kind": TEST, "Mode": mode.value,
        "ExecutionType": None, "ExecutionId": None, "PlanId": plan_id, "AccountId": account_id, "Region": region,
        "WaveName": None, "Time": utc(at), "Headline": headline, "Text": [], "Commands": [],
    }  # fmt: skip
    return Message(number, number, subject(f"{mode.value} TEST: {plan_id}: {headline}"), body, at, detail)


def subject(text: str) -> str:
    """A subject as SNS takes it: one line of printable ASCII, not too long."""
    found = "".join(letter if " " <= letter <= "~" else "?" for letter in plain(text))
    return found if len(found) <= SUBJECT_LENGTH else f"{found[: SUBJECT_LENGTH - 3]}..."
