"""What instances and volumes cost, as a plan's budget counts it: prices, sizes, and what was asked of people.

In US dollars, exact. What has no price is counted by nobody and said to be
unknown; a sum that lacks something is a least sum.
"""

from datetime import date, timedelta
from decimal import Decimal
from typing import Annotated

from pydantic import AwareDatetime, Field

from drskit.record import Record

Usd = Annotated[Decimal, Field(ge=0, max_digits=18, decimal_places=8)]
SIZES = {
    "nano": Decimal("0.0625"), "micro": Decimal("0.125"), "small": Decimal("0.25"), "medium": Decimal("0.5"),
    "large": Decimal(1), "xlarge": Decimal(2), "metal": None,
}  # fmt: skip
"""By how much a size is larger than `large`; `12xlarge` is twelve times an xlarge. Of bare metal that is not known."""
LARGE_VCPUS = 2
RUN = timedelta(hours=4)
"""How long an instance is taken to run where a plan says nothing."""
HOURS_A_MONTH = Decimal(730)
"""As AWS counts a month of a volume."""
VOLUME = "gp3"
"""What a launched volume is taken for; its real type is not looked up."""
CONVERSION_TYPE = "m4.large"
"""What a conversion server is taken for (drs-facts §8: seen in one account)."""


class BudgetPolicy(Record):
    """What a plan's executions may cost."""

    max_usd: Usd
    run: timedelta = RUN
    """How long an instance is taken to run when nothing else is known."""
    prices: str | None = None
    """A file of prices beside the runbook, in the place of drskit's own."""


class Prices(Record):
    """The prices of one Region."""

    dated: date
    source: str
    large: dict[str, Usd] = Field(default_factory=dict)
    """Family -> the hour of its size `large`, with Linux."""
    exact: dict[str, Usd] = Field(default_factory=dict)
    """Instance type -> its hour with Linux, in the place of a multiple."""
    exact_windows: dict[str, Usd] = Field(default_factory=dict)
    windows_vcpu: Usd = Decimal(0)
    """What Windows costs more, an hour and vCPU."""
    windows_sizes: dict[str, dict[str, Usd]] = Field(default_factory=dict)
    """Family -> size -> the same for the whole instance, where it does not go by vCPUs."""
    gib_month: dict[str, Usd] = Field(default_factory=dict)
    """Kind of volume -> a GiB for a month."""

    @property
    def words(self) -> str:
        """Where they are from."""
        return f"{self.source} of {self.dated}"

    def hour(self, instance_type: str, *, windows: bool) -> Decimal | None:
        """An hour of an instance; None when it is not known."""
        family, _, size = instance_type.partition(".")
        if windows and instance_type in self.exact_windows:
            return self.exact_windows[instance_type]
        times, base = _times(size), self.large.get(family)
        linux = self.exact.get(instance_type) or (base * times if base is not None and times is not None else None)
        if linux is None or not windows:
            return linux
        own = self.windows_sizes.get(family)
        if own is not None:
            return linux + own[size] if size in own else None
        return None if times is None else linux + self.windows_vcpu * LARGE_VCPUS * max(times, Decimal("0.5"))

    def volume_hour(self, gib: int) -> Decimal | None:
        """An hour of a server's volumes; None when it is not known."""
        price = self.gib_month.get(VOLUME)
        return None if price is None else price * gib / HOURS_A_MONTH


def _times(size: str) -> Decimal | None:
    if size in SIZES:
        return SIZES[size]
    number = size.removesuffix("xlarge")
    return Decimal(number) * 2 if number.isdigit() and size.endswith("xlarge") else None


class Size(Record):
    """What a server's instance is, as far as it is known."""

    instance_type: str = ""
    """Empty when nobody told."""
    gib: int = 0
    """Of all its disks."""
    windows: bool = False
    seen: bool = False
    """EC2 has said so of the launched instance; else DRS recommends it, and a launch template may say another."""


class Asked(Record):
    """A wave that would make the execution dearer than it may be."""

    wave_name: str
    usd: Usd
    """What it would come to with the wave."""
    at: AwareDatetime


class Accepted(Record):
    """Who let it become dearer."""

    by: str
    at: AwareDatetime
    reason: str
    limit_usd: Usd
    """What is allowed since."""
    asked_at: AwareDatetime | None = None
    """Since when that was waited for; None in records of before this was kept."""


class BudgetRun(Record):
    """An execution's money."""

    prices: Prices
    """Frozen at the start."""
    limit_usd: Usd
    asked: Asked | None = None
    accepted: tuple[Accepted, ...] = ()


def dollars(amount: Decimal) -> str:
    """An amount as people read it: `$0.42`, `$1,204.10`; less than a cent is said to be so."""
    cents = amount.quantize(Decimal("0.01"))
    return "less than $0.01" if amount > 0 and cents == 0 else f"${cents:,}"
