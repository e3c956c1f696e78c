"""What every noun of drskit is made of: frozen records, and the words that more than one module of nouns needs."""

from enum import StrEnum
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict
from pydantic.alias_generators import to_pascal


class Record(BaseModel):
    """A frozen value; unknown fields are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_pascal, populate_by_name=True)

    def to_json(self) -> dict[str, Any]:
        """The value as JSON types under PascalCase names; times end in Z, absent values are null."""
        return self.model_dump(mode="json", by_alias=True)


class OnFailure(StrEnum):
    """What a failure, of a wave or of an action, does to the execution."""

    STOP = "stop"
    PAUSE = "pause"
    CONTINUE = "continue"


class Decision(Record):
    """Who decided what, when and why."""

    by: str
    at: AwareDatetime
    reason: str
