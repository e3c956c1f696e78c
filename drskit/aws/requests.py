"""A task's request as the adapters read it, and the one way in which they send it."""

import json
import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from drskit.actionports import Outcome
from drskit.actions import Task
from drskit.aws.faults import UNREADABLE, launch_outcome
from drskit.aws.signing import signed_at
from drskit.codes import STILL_EXPIRED

Request = dict[str, Any]
"""What `placeholders.request_of` wrote."""


def request_of(task: Task) -> Request:
    """What the task asks for."""
    found: Request = json.loads(task.request or "{}")
    return found


def token_of(task: Task) -> str:
    """A UUID that is the task's alone, and always the same: its ULID is 128 bits, too."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"drskit:{task.task_id}"))


def once(ask: Callable[[], Outcome], task: Task, operation: str) -> Outcome:
    """What a request came to that is sent once, signed at the time of its intent."""
    signed: AbstractContextManager[None] = signed_at(task.sent_at) if task.sent_at else nullcontext()
    try:
        with signed:
            return ask()
    except RuntimeError as error:
        if STILL_EXPIRED not in str(error):
            raise
        return launch_outcome(error, operation)
    except (ClientError, BotoCoreError, *UNREADABLE) as error:
        return launch_outcome(error, operation)
