"""How long a plan would take, and what it would cost: an estimate before anything starts.

Pure. A wave takes as long as the launches of the plan's last drill took, else
as captured ones did; a wave in steps that much for each step. What people and
actions take is not in it. What its prices and sizes stand on is said beside it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from drskit.costs import Bill, expected
from drskit.estimates import typical
from drskit.model import Execution, RecoveryPlan, ServerRun, Wave, WaveRun
from drskit.money import RUN, BudgetPolicy, Prices, Size, dollars
from drskit.planning import Resolved
from drskit.sizes import size_of
from drskit.steps import chunks_of, steps_of
from drskit.waves import stages

SHOWN = 10
"""Waves that are named in a sentence."""


@dataclass(frozen=True)
class WaveForecast:
    """One wave."""

    name: str
    servers: tuple[tuple[str, Size], ...]
    jobs: int
    begins: timedelta
    """From the start, without what people take."""
    lasts: timedelta
    bill: Bill


@dataclass(frozen=True)
class Forecast:
    """A plan."""

    plan_id: str
    region: str
    waves: tuple[WaveForecast, ...]
    run: timedelta
    """How long each instance is taken to run."""
    limit: BudgetPolicy | None
    prices: Prices
    basis: str
    """What the spans stand on."""

    @property
    def lasts(self) -> timedelta:
        """Until the last server is up."""
        return max((wave.begins + wave.lasts for wave in self.waves), default=timedelta())

    @property
    def bill(self) -> Bill:
        """All waves together."""
        bills = [wave.bill for wave in self.waves]
        return Bill(
            sum((one.usd for one in bills), Bill().usd),
            tuple(name for one in bills for name in one.unknown),
            sum((one.an_hour for one in bills), Bill().an_hour),
            sum(one.running for one in bills),
            sum(one.guessed for one in bills),
        )

    def to_json(self) -> dict[str, Any]:
        """The forecast as JSON types; amounts are texts, exact to the cent."""
        return {
            "PlanId": self.plan_id, "Region": self.region, "Seconds": round(self.lasts.total_seconds()),
            "Basis": self.basis, "Prices": self.prices.words, "RunSeconds": round(self.run.total_seconds()),
            "MaxUsd": str(self.limit.max_usd) if self.limit else None, **_money(self.bill),
            "Waves": [
                {
                    "WaveName": wave.name, "Servers": len(wave.servers), "Jobs": wave.jobs,
                    "BeginsAfterSeconds": round(wave.begins.total_seconds()),
                    "Seconds": round(wave.lasts.total_seconds()), **_money(wave.bill),
                    "InstanceTypes": [
                        {"SourceServerId": name, "InstanceType": size.instance_type or None, "Gib": size.gib or None}
                        for name, size in wave.servers
                    ],
                }
                for wave in self.waves
            ],
        }  # fmt: skip


def _money(bill: Bill) -> dict[str, Any]:
    return {
        "Usd": f"{bill.usd:.2f}",
        "UsdAnHour": f"{bill.an_hour:.2f}",
        "AtLeast": bool(bill.unknown),
        "WithoutPrice": list(bill.unknown),
    }


def forecast(plan: RecoveryPlan, resolved: Iterable[Resolved], prices: Prices, last: Execution | None) -> Forecast:
    """What a start now would come to.

    Args:
        plan: the plan.
        resolved: its groups with their servers.
        prices: of its Region.
        last: its last drill, by which spans are estimated; captured ones are taken without.
    """
    found = {part.group.group_id: part for part in resolved}
    run = plan.budget.run if plan.budget else RUN
    spans, seen = typical(server for wave in (last.waves if last else ()) for server in wave.servers)
    once = sum(spans.values(), timedelta())
    ends: dict[str, timedelta] = {}
    waves: dict[str, WaveForecast] = {}
    by_name = {wave.name: wave for wave in plan.waves}
    order = stages({wave.name: wave.needs for wave in plan.waves})
    for wave in (by_name[name] for stage in order for name in stage):
        pause = plan.pacing.waves if wave.needs else timedelta()
        begins = max((ends[need] for need in wave.needs), default=timedelta()) + pause
        waves[wave.name] = _wave(wave, [found[name] for name in wave.groups], prices, (begins, once, run))
        ends[wave.name] = begins + waves[wave.name].lasts
    basis = f"by {seen} launches of the last drill" if seen else "as in captured launches"
    ordered = tuple(waves[wave.name] for wave in plan.waves)
    return Forecast(plan.plan_id, plan.region, ordered, run, plan.budget, prices, basis)


def _wave(
    wave: Wave, parts: list[Resolved], prices: Prices, spans: tuple[timedelta, timedelta, timedelta]
) -> WaveForecast:
    begins, once, run = spans
    runs = tuple(
        ServerRun(source_server_id=server.source_server_id, size=size_of(server))
        for part in parts
        for server in part.servers
    )
    steps = len(steps_of(wave, tuple(server.source_server_id for server in runs)))
    jobs = len(chunks_of(wave, WaveRun(wave_name=wave.name, servers=runs)))
    sizes = tuple((server.source_server_id, server.size or Size()) for server in runs)
    return WaveForecast(wave.name, sizes, jobs, begins, once * steps, expected(runs, prices, run))


def money_words(found: Forecast) -> str:
    """What it would cost, in a sentence with what it stands on."""
    bill = found.bill
    allowed = f", and {dollars(found.limit.max_usd)} are allowed" if found.limit else ""
    missing = f" {len(bill.unknown)} servers have no known price and are not in it." if bill.unknown else ""
    waves = ", ".join(f"{wave.name} {wave.bill.words}" for wave in found.waves[:SHOWN])
    waves += f" and {len(found.waves) - SHOWN} more waves" if len(found.waves) > SHOWN else ""
    return (
        f"Costs {bill.words}{allowed}, if each instance runs {found.run.total_seconds() / 3600:g} h "
        f"({dollars(bill.an_hour)} an hour for all; {found.prices.words}; types as DRS recommends).{missing} "
        f"By wave: {waves}."
    )
