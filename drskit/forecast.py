"""How long a plan would take, and what it would cost: an estimate before anything starts.

Pure. A wave takes as long as the launches of the plan's last drill took, else
as captured ones did; a wave in steps, or in more jobs than DRS takes at once,
that much for each round; and its actions and checks as long as in the last
drill. What people take is not in it, nor that others launch meanwhile, nor that
waves side by side share the quotas. What is not known is named beside it.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from drskit.alongside import Alongside, foreseen
from drskit.costs import Bill, expected
from drskit.estimates import typical
from drskit.model import Execution, RecoveryPlan, ServerRun, Wave, WaveRun
from drskit.money import RUN, BudgetPolicy, Prices, Size, dollars
from drskit.planning import Resolved
from drskit.quotas import Quotas
from drskit.sizes import size_of
from drskit.steps import chunks_of
from drskit.waves import stages

SHOWN = 10
"""Waves that are named in a sentence."""


@dataclass(frozen=True)
class WaveForecast:
    """One wave."""

    name: str
    servers: tuple[tuple[str, Size], ...]
    jobs: int
    rounds: int
    """How often jobs are begun: for each step once, and again where the quotas have no room for all at once."""
    steps: int
    beside: Alongside
    """Its actions and checks."""
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
    launches: str
    """What the spans of launches stand on."""
    quotas: Quotas

    @property
    def basis(self) -> str:
        """What the spans stand on."""
        known = dict.fromkeys(part for wave in self.waves for part in wave.beside.known)
        unknown = dict.fromkeys(part for wave in self.waves for part in wave.beside.unknown)
        beside = Alongside(timedelta(), tuple(known), tuple(unknown)).basis.replace("its ", "")
        return ", ".join(filter(None, (self.launches, beside)))

    @property
    def bound(self) -> tuple[str, ...]:
        """The waves for which the quotas have no room at once."""
        return tuple(wave.name for wave in self.waves if wave.rounds > wave.steps)

    @property
    def lasts(self) -> timedelta:
        """Until the last wave is done."""
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
            "Quotas": {
                "Jobs": self.quotas.jobs, "Servers": self.quotas.servers,
                "ServersInAJob": self.quotas.servers_per_job, "Doubt": self.quotas.doubt,
            },
            "Waves": [
                {
                    "WaveName": wave.name, "Servers": len(wave.servers), "Jobs": wave.jobs,
                    "Rounds": wave.rounds, "NotCounted": list(wave.beside.unknown),
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


def forecast(
    plan: RecoveryPlan,
    resolved: Iterable[Resolved],
    prices: Prices,
    last: Execution | None,
    quotas: Quotas = Quotas(),  # noqa: B008 - a frozen value
) -> Forecast:
    """What a start now would come to.

    Args:
        plan: the plan.
        resolved: its groups with their servers.
        prices: of its Region.
        last: its last drill, by which spans are estimated; captured ones are taken without.
        quotas: of its account and Region.
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
        waves[wave.name] = _wave(
            wave, [found[name] for name in wave.groups], prices, (begins, once, run), (foreseen(wave, last), quotas)
        )
        ends[wave.name] = begins + waves[wave.name].lasts
    basis = f"by {seen} launches of the last drill" if seen else "as in captured launches"
    ordered = tuple(waves[wave.name] for wave in plan.waves)
    return Forecast(plan.plan_id, plan.region, ordered, run, plan.budget, prices, basis, quotas)


def _wave(
    wave: Wave,
    parts: list[Resolved],
    prices: Prices,
    spans: tuple[timedelta, timedelta, timedelta],
    around: tuple[Alongside, Quotas],
) -> WaveForecast:
    begins, once, run = spans
    beside, quotas = around
    runs = tuple(
        ServerRun(source_server_id=server.source_server_id, size=size_of(server))
        for part in parts
        for server in part.servers
    )
    most = max(min(quotas.servers_per_job, quotas.servers), 1)
    servers, jobs = Counter[int](), Counter[int]()  # by step
    for chunk in chunks_of(wave, WaveRun(wave_name=wave.name, servers=runs)):
        servers[chunk.step] += len(chunk.server_ids)
        jobs[chunk.step] += -(-len(chunk.server_ids) // most)
    rounds = sum(
        max(-(-servers[step] // max(quotas.servers, 1)), -(-jobs[step] // max(quotas.jobs, 1))) for step in jobs
    )
    sizes = tuple((server.source_server_id, server.size or Size()) for server in runs)
    return WaveForecast(
        name=wave.name, servers=sizes, jobs=jobs.total(), rounds=rounds, steps=len(jobs), beside=beside, begins=begins,
        lasts=once * rounds + beside.counted, bill=expected(runs, prices, run),
    )  # fmt: skip


def quota_words(found: Forecast) -> str:
    """Where the quotas bind, in a sentence; empty where they do not."""
    quotas, names = found.quotas, found.bound
    if not names:
        return ""
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    doubt = f" ({quotas.doubt})" if quotas.doubt else ""
    return (
        f"DRS has no room for all of {', '.join(names[:SHOWN])}{more} at once: it takes {quotas.jobs} jobs and "
        f"{quotas.servers} servers, {quotas.servers_per_job} in a job{doubt}. What does not fit waits for its turn; "
        "that others launch, too, and that waves side by side share the room, is not in the estimate."
    )


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
