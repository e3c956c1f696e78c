"""The slot of a scheduled drill, as a notebook's parameter: what it may be, and which execution it means."""

from datetime import UTC, datetime

from pydantic_core import PydanticCustomError

from drskit.cron import slot_key
from drskit.errors import InvalidInput
from drskit.planning import execution_id_for
from drskit.session import Session

ANY_TIME = datetime(2000, 1, 1, tzinfo=UTC)
"""For a slot whose form is checked, not its time."""


def slot_or_nothing(value: str) -> str:
    """A slot as a parameter gives it; pydantic tells what is wrong with another text."""
    try:
        return value and slot_key(value, ANY_TIME, UTC) and value
    except InvalidInput as error:
        raise PydanticCustomError("slot", "{words}", {"words": str(error)}) from error


def execution_of(session: Session, plan_id: str, slot: str, execution_id: str) -> tuple[str, str]:
    """The slot as the key of its execution, and the execution's id; both as given where no slot is named.

    Raises:
        InvalidInput: another execution is named, too.
    """
    if not slot:
        return slot, execution_id
    key = session.slot(slot)
    found = execution_id_for(plan_id, key, "")
    if execution_id not in {"", found}:
        raise InvalidInput(f"The execution of slot {key} is {found}, not {execution_id}. Name one of them.")
    return key, found
