"""Executions, small and large, made by hand and by Hypothesis."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from drskit.actions import (
    Action,
    ActionKind,
    ActionMode,
    Automation,
    Call,
    Invoke,
    Publish,
    RunCommand,
    Secret,
    Task,
    TaskPhase,
    TaskStatus,
    Wait,
    Where,
)
from drskit.model import (
    AppliedGroup,
    AppliedPlan,
    Approval,
    Attempt,
    AttemptStatus,
    Cadence,
    ChangeRecord,
    Command,
    CommandKind,
    Deadline,
    Decision,
    Event,
    Execution,
    ExecutionStatus,
    GroupRun,
    Mode,
    OnFailure,
    Pacing,
    Phase,
    PhaseSpan,
    ProtectionGroup,
    Record,
    RecoveryPlan,
    RecoverySnapshot,
    ServerRun,
    ServerStatus,
    Snapshots,
    Targets,
    Wave,
    WaveRun,
    WaveStatus,
)
from drskit.money import Accepted, Asked, BudgetPolicy, BudgetRun, Prices, Size
from drskit.notices import Delivery, Notice, NoticeKind, NotifyTarget

ACCOUNT = "123456789012"
REGION = "us-east-1"
START = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)


# --- by hand ---------------------------------------------------------------------------------------------------------


def server_id(number: int) -> str:
    """The id of a source server."""
    return f"s-{number:017x}"


def recovery_plan(plan_id: str = "shop", *, waves: int = 1) -> RecoveryPlan:
    """A plan with so many waves, each of one group."""
    return RecoveryPlan(
        plan_id=plan_id,
        region=REGION,
        waves=tuple(Wave(name=f"Wave {number}", groups=(f"{plan_id}-{number}",)) for number in range(1, waves + 1)),
    )


def applied(plan_id: str = "shop", *, version: int = 1, waves: int = 1) -> tuple[AppliedPlan, tuple[AppliedGroup, ...]]:
    """A plan and its groups as the tables hold them."""
    plan = recovery_plan(plan_id, waves=waves)
    about: dict[str, Any] = {"version": version, "applied_at": START, "applied_by": "ann"}
    groups = tuple(
        AppliedGroup(
            group=ProtectionGroup(group_id=wave.groups[0], name=wave.groups[0], plan_id=plan_id, region=REGION),
            resolved=(server_id(1),),
            **about,
        )
        for wave in plan.waves
    )
    return AppliedPlan(plan=plan, digest="d" * 64, source=f"runbooks/{plan_id}.yaml", **about), groups


def execution(execution_id: str = "E1", plan_id: str = "shop", *, waves: int = 1, servers: int = 2) -> Execution:
    """An execution that just started, with so many servers in each wave."""
    plan = recovery_plan(plan_id, waves=waves)
    numbers = [range(wave * servers, (wave + 1) * servers) for wave in range(waves)]
    ids = [tuple(server_id(number) for number in wave) for wave in numbers]
    return Execution(
        execution_id=execution_id,
        plan_id=plan_id,
        mode=Mode.SIMULATED,
        start_time=START,
        account_id=ACCOUNT,
        region=REGION,
        started_by="ann",
        plan=plan,
        digest="d" * 64,
        groups=tuple(
            GroupRun(group_id=wave.groups[0], servers=members) for wave, members in zip(plan.waves, ids, strict=True)
        ),
        waves=tuple(
            WaveRun(wave_name=wave.name, servers=tuple(ServerRun(source_server_id=name) for name in members))
            for wave, members in zip(plan.waves, ids, strict=True)
        ),
    )


def event(sequence: int, **facts: Any) -> Event:
    """A sealed event."""
    bare = Event(sequence=sequence, time=START, actor="engine", kind="Something", facts=facts)
    return bare.sealed("")


def following(before: Execution, **changes: Any) -> Execution:
    """The next version of an execution."""
    return before.model_copy(update={"version": before.version + 1} | changes)


def ended(before: Execution, status: ExecutionStatus = ExecutionStatus.COMPLETED) -> Execution:
    """The execution, over."""
    return following(before, status=status, end_time=before.start_time + timedelta(hours=1))


def everywhere(before: Execution, status: ServerStatus, **changes: Any) -> Execution:
    """The next version, with every wave and every server changed."""
    waves = tuple(
        wave.model_copy(
            update={
                "status": WaveStatus.IN_PROGRESS,
                "servers": tuple(server.model_copy(update={"status": status} | changes) for server in wave.servers),
            }
        )
        for wave in before.waves
    )
    return following(before, waves=waves)


# --- by Hypothesis ---------------------------------------------------------------------------------------------------


def built(record: type[Record], /, **fields: st.SearchStrategy) -> st.SearchStrategy:
    """A record of these fields; Hypothesis's own `builds` would add others by their aliases."""
    return st.fixed_dictionaries(fields).map(lambda values: record(**values))


texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=40)
names = st.text("abcdefghijklmnopqrstuvwxyz0123456789-._", min_size=1, max_size=20)
ids = st.text("ABCDEFGHJKMNPQRSTVWXYZ0123456789", min_size=26, max_size=26)
times = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - Hypothesis adds it
seconds = times.map(lambda time: time.replace(microsecond=0))
spans = st.integers(0, 10**6).map(lambda number: timedelta(seconds=number))
server_ids = st.integers(0, 16**17 - 1).map(server_id)


def maybe(strategy: st.SearchStrategy) -> st.SearchStrategy:
    """The thing, or None."""
    return st.none() | strategy


def tuples(strategy: st.SearchStrategy, most: int = 3) -> st.SearchStrategy:
    """A few of the things."""
    return st.lists(strategy, max_size=most).map(tuple)


decisions = built(Decision, by=texts, at=times, reason=texts)
phases = built(PhaseSpan, phase=st.sampled_from(Phase), start_time=times, end_time=maybe(times))
amounts = st.decimals(0, 10**6, places=2)
prices = built(
    Prices,
    dated=times.map(lambda time: time.date()),
    source=texts,
    large=st.dictionaries(names, amounts, max_size=2),
    windows_sizes=st.dictionaries(names, st.dictionaries(names, amounts, max_size=1), max_size=1),
)
budgets = built(
    BudgetRun,
    prices=prices,
    limit_usd=amounts,
    asked=maybe(built(Asked, wave_name=texts, usd=amounts, at=times)),
    accepted=tuples(built(Accepted, by=texts, at=times, reason=texts, limit_usd=amounts)),
)
deliveries = built(
    Delivery,
    target=texts,
    tries=st.integers(0, 9),
    next_try=maybe(times),
    sent=maybe(times),
    message_id=maybe(texts),
    given_up=maybe(times),
    error=maybe(texts),
)
notices = built(
    Notice,
    notice_id=ids,
    kind=st.sampled_from(NoticeKind),
    key=texts,
    at=times,
    wave_name=maybe(texts),
    headline=texts,
    text=texts,
    commands=tuples(texts),
    deliveries=tuples(deliveries),
)
server_runs = built(
    ServerRun,
    source_server_id=server_ids,
    name=texts,
    status=st.sampled_from(ServerStatus),
    launch_status=maybe(texts),
    critical=st.booleans(),
    snapshot=maybe(built(RecoverySnapshot, snapshot_id=texts, time=times)),
    attempt=maybe(st.integers(1, 9)),
    request_time=maybe(times),
    snapshot_time=maybe(times),
    phases=tuples(phases),
    size=maybe(built(Size, instance_type=texts, gib=st.integers(0, 10**6), windows=st.booleans())),
    gone=maybe(times),
    error=maybe(texts),
)
wave_runs = built(
    WaveRun,
    wave_name=texts,
    status=st.sampled_from(WaveStatus),
    start_time=maybe(times),
    approved=maybe(decisions),
    reason=maybe(texts),
    servers=tuples(server_runs),
)
texts_by_name = st.dictionaries(texts, tuples(texts), max_size=2)
actions = built(
    Action,
    does=st.one_of(
        built(Wait, kind=st.just(ActionKind.WAIT), span=spans),
        built(Automation, kind=st.just(ActionKind.SSM_AUTOMATION), document=texts, parameters=texts_by_name),
        built(
            RunCommand,
            kind=st.just(ActionKind.SSM_COMMAND),
            parameters=texts_by_name,
            on=built(Where, groups=tuples(names), instances=tuples(texts)),
        ),
        built(Invoke, kind=st.just(ActionKind.LAMBDA), function=texts, payload=maybe(texts), event=st.booleans()),
        built(Publish, kind=st.just(ActionKind.SNS), topic=texts, subject=maybe(texts), message=texts),
        built(
            Call,
            kind=st.just(ActionKind.HTTP),
            url=texts,
            headers=st.dictionaries(texts, texts, max_size=2),
            secrets=st.dictionaries(texts, built(Secret, parameter=texts), max_size=2),
            body=maybe(texts),
            expect=tuples(st.integers(100, 599)),
        ),
    ),
    modes=tuples(st.sampled_from(ActionMode)),
    timeout=spans,
    retries=st.integers(0, 10),
    on_failure=st.sampled_from(OnFailure),
    repeatable=st.booleans(),
)
plans = built(
    RecoveryPlan,
    at_end=tuples(actions, 2),
    plan_id=names,
    description=texts,
    owners=st.dictionaries(texts, texts, max_size=2),
    targets=built(Targets, rto=maybe(spans), rpo=maybe(spans)),
    snapshots=built(
        Snapshots,
        before=maybe(times),
        servers=st.dictionaries(server_ids, st.sampled_from(["latest", "pit-5f3ddf07c0eb9fe45"]), max_size=2),
    ),
    timeout=maybe(spans),
    notify=tuples(built(NotifyTarget, address=texts, kinds=tuples(st.sampled_from(NoticeKind)))),
    budget=maybe(built(BudgetPolicy, max_usd=amounts, run=spans, prices=maybe(texts))),
    pacing=built(Pacing, servers=spans, waves=spans),
    region=st.just(REGION),
    waves=tuples(
        built(
            Wave,
            name=texts,
            groups=tuples(names),
            rto=maybe(spans),
            approval=maybe(built(Approval, text=texts, by=tuples(texts), not_starter=st.booleans())),
            optional=tuples(server_ids),
            timeout=spans,
            order=tuples(tuples(server_ids)),
            before=tuples(actions, 2),
            after=tuples(actions, 1),
        )
    ),
)
attempts = built(
    Attempt,
    attempt_id=ids,
    wave_name=texts,
    chunk=st.integers(0, 5),
    number=st.integers(1, 5),
    signed_at=seconds,
    server_ids=tuples(server_ids),
    snapshots=st.dictionaries(server_ids, texts, max_size=2),
    status=st.sampled_from(AttemptStatus),
    creation_time=maybe(times),
    outcome=maybe(texts),
)
commands = built(
    Command,
    command_id=ids,
    kind=st.sampled_from(CommandKind),
    by=texts,
    at=times,
    reason=texts,
    acknowledged=maybe(times),
    answer=maybe(texts),
)
tasks = built(
    Task,
    task_id=ids,
    wave_name=maybe(texts),
    phase=st.sampled_from(TaskPhase),
    index=st.integers(0, 19),
    number=st.integers(1, 99),
    kind=st.sampled_from(ActionKind),
    title=texts,
    status=st.sampled_from(TaskStatus),
    intended_at=seconds,
    sent_at=maybe(seconds),
    request=maybe(texts),
    refused=st.booleans(),
    doubt=maybe(texts),
    external_id=maybe(texts),
    outcome=maybe(texts),
    output=maybe(texts),
    again=maybe(decisions),
)
changes = built(
    ChangeRecord, ticket=maybe(texts), window=maybe(texts), against=tuples(texts), overridden=maybe(decisions)
)
executions = built(
    Execution,
    execution_id=ids,
    plan_id=st.just("shop"),
    mode=st.sampled_from(Mode),
    status=st.sampled_from(ExecutionStatus),
    waiting_for=maybe(texts),
    start_time=seconds,
    end_time=maybe(times),
    version=st.integers(1, 10**9),
    key=maybe(texts),
    account_id=st.just(ACCOUNT),
    region=st.just(REGION),
    started_by=texts,
    plan=plans,
    digest=texts,
    groups=tuples(built(GroupRun, group_id=names, servers=tuples(server_ids), expect=maybe(st.integers(0, 9)))),
    replace=tuples(texts),
    deadline=maybe(built(Deadline, at=times, passed=maybe(times))),
    change=maybe(changes),
    waves=tuples(wave_runs),
    attempts=st.lists(attempts, max_size=3, unique_by=lambda attempt: attempt.attempt_id).map(tuple),
    tasks=st.lists(tasks, max_size=3, unique_by=lambda task: task.task_id).map(tuple),
    commands=st.lists(commands, max_size=3, unique_by=lambda command: command.command_id).map(tuple),
    notices=tuples(notices),
    reminder=maybe(times),
    budget=maybe(budgets),
    events=st.integers(0, 10**6),
    head=texts,
)
jsons = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**37), 10**37) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
cadences = built(
    Cadence,
    account_id=st.just(ACCOUNT),
    region=st.just(REGION),
    next_poll=times,
    version=st.integers(1, 10**9),
    unavailable_since=maybe(times),
    trouble=maybe(texts),
)
