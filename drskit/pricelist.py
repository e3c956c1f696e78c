"""The prices that drskit brings, or a file of one's own: a few families of instances and kinds of volumes by Region."""

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from drskit.errors import InvalidInput, InvalidRunbook
from drskit.model import Runbook
from drskit.money import BudgetRun, Prices, Usd
from drskit.yamlfile import YamlFault, read_file

OWN = Path(__file__).with_name("prices.yaml")


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Region(_Part):
    large: dict[str, Usd] = Field(default_factory=dict)
    exact: dict[str, Usd] = Field(default_factory=dict)
    exact_windows: dict[str, Usd] = Field(default_factory=dict)
    gib_month: dict[str, Usd] = Field(default_factory=dict)


class _File(_Part):
    version: Annotated[str, Field(pattern="^1$")]
    dated: date
    source: Annotated[str, Field(min_length=1, max_length=100)]
    windows_vcpu: Usd = Decimal(0)
    windows_sizes: dict[str, dict[str, Usd]] = Field(default_factory=dict)
    regions: dict[str, _Region]


def prices_of(runbook: Runbook) -> Prices:
    """The prices of the Region that a runbook recovers to: of the file that it names, else drskit's own.

    A Region that the file does not have has no prices.

    Raises:
        InvalidRunbook: there is no such file beside the runbook, or it holds no prices.
    """
    policy = runbook.plan.budget
    if policy is None or policy.prices is None:
        return read_prices(OWN, runbook.plan.region)
    path = Path(runbook.source).parent / policy.prices
    try:
        return read_prices(path, runbook.plan.region)
    except InvalidInput as error:
        raise InvalidRunbook((runbook.complaint("budget.prices", str(error)),)) from error


def budget_of(runbook: Runbook) -> BudgetRun | None:
    """The money of an execution that is started now; None where the runbook has no budget.

    Raises:
        InvalidRunbook: its prices cannot be read.
    """
    policy = runbook.plan.budget
    return BudgetRun(prices=prices_of(runbook), limit_usd=policy.max_usd) if policy else None


def read_prices(path: Path, region: str) -> Prices:
    """A file's prices of one Region.

    Raises:
        InvalidInput: with every complaint about it.
    """
    try:
        document = read_file(path)
    except YamlFault as fault:
        raise InvalidInput(str(fault)) from fault
    try:
        found = _File.model_validate(document.data)
    except ValidationError as error:
        faults = [
            document.complaint(document.located(one["loc"]), f"{one['msg']}; write an amount of dollars such as 0.096.")
            for one in error.errors()
        ]
        raise InvalidInput("\n".join(faults)) from error
    part = found.regions.get(region, _Region())
    return Prices(
        dated=found.dated, source=found.source, windows_vcpu=found.windows_vcpu, windows_sizes=found.windows_sizes,
        large=part.large, exact=part.exact, exact_windows=part.exact_windows, gib_month=part.gib_month,
    )  # fmt: skip
