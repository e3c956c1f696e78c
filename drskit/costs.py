"""What an execution has cost, what it will cost, and whether the next wave is too much.

Pure. An instance costs from the beginning of its launch until it is proven to be
gone, stopped ones too, for nobody watches that; a volume as long as its
instance; a conversion server as long as a conversion. Snapshots, traffic,
addresses, provisioned operations, taxes and discounts are not counted.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import ROUND_CEILING, Decimal

from drskit.bounds import shortened
from drskit.launches import LAUNCHED
from drskit.model import Decision, Execution, ExecutionType, Phase, ServerRun, ServerStatus, WaveRun, WaveStatus
from drskit.money import CONVERSION_TYPE, Accepted, Asked, BudgetRun, Prices, Size, dollars

NOTHING = Decimal(0)
REASON_BYTES = 300
CONVERSION = timedelta(seconds=185)
"""How long a conversion takes, as in the captured drill (drs-facts §14)."""
STEP = Decimal("0.5")
"""In which shares of the budget more is allowed when somebody says yes."""
HOUR_SECONDS = Decimal(3600)
UP = LAUNCHED | {ServerStatus.TERMINATED}
MAY_COME_UP = frozenset({ServerStatus.LAUNCHING, ServerStatus.UNKNOWN})
"""A server of which an instance may yet be seen, or run unseen."""
NOISE = Decimal("0.000001")
"""What no sum is exact to; nobody is asked about less."""


@dataclass(frozen=True)
class Bill:
    """A sum, and what it lacks."""

    usd: Decimal = NOTHING
    unknown: tuple[str, ...] = ()
    """The servers of which some price is not known, and not in it."""
    an_hour: Decimal = NOTHING
    """What runs now costs so much an hour more."""
    running: int = 0
    guessed: int = field(default=0)
    """How many servers are counted by what DRS recommends, for nobody has seen their instance."""

    @property
    def words(self) -> str:
        """The sum as people read it; `at least` where something is missing."""
        return f"at least {dollars(self.usd)}" if self.unknown else dollars(self.usd)


def hours(span: timedelta) -> Decimal:
    """A span in hours; a negative one is none."""
    return max(Decimal(span // timedelta(microseconds=1)) / 1_000_000 / HOUR_SECONDS, NOTHING)


def hourly(prices: Prices, size: Size | None) -> tuple[Decimal, bool]:
    """What a server costs an hour as far as it is known, and whether all of it is."""
    if size is None:
        return NOTHING, False
    instance = prices.hour(size.instance_type, windows=size.windows)
    volumes = prices.volume_hour(size.gib)
    whole = instance is not None and volumes is not None and bool(size.gib)
    return (instance or NOTHING) + (volumes or NOTHING), whole


def bill(execution: Execution, budget: BudgetRun, now: datetime) -> Bill:
    """What an execution has cost until now, instances that still run included."""
    usd, rate, running, guessed = NOTHING, NOTHING, 0, 0
    unknown: list[str] = []
    for server in _servers(execution):
        usd += _conversions(server, budget.prices, now)
        span = lived(server, now)
        if span is None:
            continue
        price, whole = hourly(budget.prices, server.size)
        usd += price * hours(span)
        guessed += server.size is not None and not server.size.seen
        if not whole:
            unknown.append(server.source_server_id)
        if server.gone is None:
            rate, running = rate + price, running + 1
    return Bill(usd, tuple(unknown), rate, running, guessed)


def lived(server: ServerRun, now: datetime) -> timedelta | None:
    """How long the server's instance has cost money; None while it has none, as far as anybody knows.

    One that failed has one when it came up and did not pass its checks, or when a cleanup found what it had left.
    """
    begun = next((span.start_time for span in reversed(server.phases) if span.phase is Phase.LAUNCH), None)
    has = server.status in UP or server.recovery_instance_id is not None or server.terminated_by is not None
    if begun is None and has:
        begun = server.end_time
    if begun is None or not (has or server.status in MAY_COME_UP):
        return None
    return max((server.gone or now) - begun, timedelta())


def _conversions(server: ServerRun, prices: Prices, now: datetime) -> Decimal:
    price = prices.hour(CONVERSION_TYPE, windows=False) or NOTHING
    spans = (span for span in server.phases if span.phase is Phase.CONVERSION)
    return sum((price * hours((span.end_time or now) - span.start_time) for span in spans), NOTHING)


def expected(servers: Iterable[ServerRun], prices: Prices, run: timedelta) -> Bill:
    """What servers will cost that are launched and run so long."""
    conversion = (prices.hour(CONVERSION_TYPE, windows=False) or NOTHING) * hours(CONVERSION)
    usd, unknown, guessed, rate, count = NOTHING, [], 0, NOTHING, 0
    for server in servers:
        price, whole = hourly(prices, server.size)
        usd += price * hours(run) + conversion
        rate, count = rate + price, count + 1
        guessed += server.size is not None and not server.size.seen
        if not whole:
            unknown.append(server.source_server_id)
    return Bill(usd, tuple(unknown), rate, count, guessed)


def committed(execution: Execution, budget: BudgetRun, wave: WaveRun, now: datetime) -> Bill:
    """What the execution would come to with one more wave: what runs is taken to run as long as the plan says.

    What another wave has begun to launch counts as if it ran, also where nobody knows what became of it.
    """
    policy = execution.plan.budget
    run = policy.run if policy else timedelta()
    so_far = bill(execution, budget, now)
    ahead = NOTHING
    for server in _servers(execution):
        span = lived(server, now)
        if span is not None and server.gone is None and span < run:
            ahead += hourly(budget.prices, server.size)[0] * hours(run - span)
    more = expected(_coming(execution, wave, now), budget.prices, run)
    unknown = tuple(dict.fromkeys((*so_far.unknown, *more.unknown)))
    usd = (so_far.usd + ahead + more.usd).quantize(NOISE)
    return Bill(usd, unknown, so_far.an_hour + more.an_hour)


def weighed(execution: Execution, wave: WaveRun, now: datetime) -> Execution:
    """The execution, which asks whether the wave may begin where it would make it too dear; else the same value."""
    budget = execution.budget
    if budget is None or execution.execution_type is ExecutionType.CLEANUP:
        return execution
    if question(execution) is not None:
        return execution  # one question at a time; whatever else would be too dear waits with it
    found = committed(execution, budget, wave, now)
    return execution if found.usd <= budget.limit_usd else _asking(execution, budget, wave, found, now)


def asked_as_of(execution: Execution, now: datetime) -> Execution:
    """The execution, whose question about the money names what is needed by now where a yes to it would not do."""
    budget = execution.budget
    if budget is None or budget.asked is None or question(execution) is None:
        return execution
    wave = execution.wave(budget.asked.wave_name)
    found = committed(execution, budget, wave, now)
    if found.usd <= allowed_then(execution, budget):
        return execution
    return _asking(execution, budget, wave, found, budget.asked.at)


def _asking(execution: Execution, budget: BudgetRun, wave: WaveRun, found: Bill, since: datetime) -> Execution:
    asked = Asked(wave_name=wave.wave_name, usd=found.usd.quantize(Decimal("0.01"), ROUND_CEILING), at=since)
    return execution.model_copy(update={"budget": budget.model_copy(update={"asked": asked})})


def _coming(execution: Execution, wave: WaveRun, now: datetime) -> Iterator[ServerRun]:
    """The servers that are still to cost something: those of the wave, and of what was weighed before it."""
    others = (run for run in execution.waves if run.wave_name != wave.wave_name)
    for run in (wave, *(run for run in others if run.status is not WaveStatus.PENDING)):
        counts = run is wave or not run.unweighed
        for server in run.servers:
            begins = server.status in MAY_COME_UP and lived(server, now) is None
            if begins or (counts and server.status is ServerStatus.PENDING):
                yield server


def stands_for_money(wave: WaveRun) -> bool:
    """Whether it may be asked about the wave: it has not begun, or begins again with what was not weighed yet."""
    return wave.status is WaveStatus.PENDING or (wave.unweighed and wave.status is WaveStatus.PREPARING)


def too_dear(execution: Execution, wave: WaveRun, now: datetime) -> bool:
    """Whether the wave must wait, as long as nobody has allowed more."""
    budget = execution.budget
    if budget is None or execution.execution_type is ExecutionType.CLEANUP:
        return False
    return committed(execution, budget, wave, now).usd > budget.limit_usd


def allowed_then(execution: Execution, budget: BudgetRun) -> Decimal:
    """What would be allowed after a yes: more by so many halves of the budget as what is asked for needs, one at least.

    So there is room for what runs on while somebody thinks it over, and nobody is asked about each cent.
    """
    asked = budget.asked.usd if budget.asked else NOTHING
    step = execution.plan.budget.max_usd * STEP if execution.plan.budget else NOTHING
    if not step:
        return max(budget.limit_usd, asked)
    steps = int(((asked - budget.limit_usd) / step).to_integral_value(ROUND_CEILING))
    return budget.limit_usd + step * max(steps, 1)


def question(execution: Execution) -> str | None:
    """What a person is asked about the money; None when nothing is asked."""
    budget = execution.budget
    if budget is None or budget.asked is None:
        return None
    asked = budget.asked
    wave = execution.wave(asked.wave_name)
    if not stands_for_money(wave):
        return None
    more = dollars(allowed_then(execution, budget))
    again = wave.unweighed and wave.retried is not None
    what = f"what wave {asked.wave_name} launches again" if again else f"wave {asked.wave_name}"
    return (
        f"a decision about the budget: with {what} it would come to {dollars(asked.usd)}, and "
        f"{dollars(budget.limit_usd)} are allowed. Resume to allow {more}, or cancel"
    )


def without_stale_question(execution: Execution) -> Execution:
    """The execution without a question that stands no more, such as one about a wave that was called off meanwhile."""
    budget = execution.budget
    if budget is None or budget.asked is None or question(execution) is not None:
        return execution
    return execution.model_copy(update={"budget": budget.model_copy(update={"asked": None})})


def allow(execution: Execution, decision: Decision) -> tuple[Execution, str]:
    """The execution with more allowed, where that is asked; and the answer, empty where it is not."""
    budget = execution.budget
    if budget is None or question(execution) is None:
        return execution, ""
    limit = allowed_then(execution, budget)
    accepted = Accepted(
        by=decision.by,
        at=decision.at,
        reason=shortened(decision.reason, REASON_BYTES),
        limit_usd=limit,
        asked_at=budget.asked.at if budget.asked else None,
    )
    update = {"limit_usd": limit, "asked": None, "accepted": (*budget.accepted, accepted)}
    return (
        execution.model_copy(update={"budget": budget.model_copy(update=update)}),
        f"{dollars(limit)} are allowed",
    )


def _servers(execution: Execution) -> list[ServerRun]:
    return [server for wave in execution.waves for server in wave.servers]
