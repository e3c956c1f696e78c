"""`budget` of a runbook: what its executions may cost."""

import re
from datetime import timedelta
from typing import Annotated

from pydantic import BaseModel, ConfigDict

from drskit.written import Duration, matching

DOLLARS = re.compile(r"(?!0+(\.0+)?$)\d{1,9}(\.\d{1,2})?", re.ASCII)
FILE = re.compile(r"[^\x00-\x1f]{1,200}")


class BudgetSpec(BaseModel):
    """`budget`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_usd: Annotated[str, matching(DOLLARS, "write an amount of US dollars above nothing, such as 200 or 49.50")]
    run: Duration = timedelta(hours=4)
    prices: Annotated[str, matching(FILE, "name a file of prices beside the runbook")] | None = None
