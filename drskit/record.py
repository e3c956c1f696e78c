"""What every frozen value of drskit is made of."""

from typing import Any

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_pascal


class Record(BaseModel):
    """A frozen value; unknown fields are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_pascal, populate_by_name=True)

    def to_json(self) -> dict[str, Any]:
        """The value as JSON types under PascalCase names; times end in Z, absent values are null."""
        return self.model_dump(mode="json", by_alias=True)
