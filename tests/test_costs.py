"""What an execution costs: exact sums, unknown prices never taken for nothing, and a question before it is too dear."""

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from drskit.actionports import Ended
from drskit.actions import Action, ActionKind, ActionMode, Publish, Task, TaskPhase, TaskStatus
from drskit.amending import basis_of
from drskit.costs import bill, committed, hourly, question, weighed
from drskit.edit import with_wave
from drskit.errors import InvalidInput
from drskit.forecast import forecast, money_words, quota_words
from drskit.model import (
    Approval,
    CommandKind,
    Execution,
    ExecutionStatus,
    Pacing,
    Phase,
    PhaseSpan,
    ServerRun,
    ServerStatus,
    Wave,
    WaveEdit,
    WaveStatus,
)
from drskit.money import BudgetPolicy, BudgetRun, Prices, Size, dollars
from drskit.planning import Resolved
from drskit.pricelist import OWN, read_prices
from drskit.questions import decisions
from drskit.quotas import Quotas
from drskit.report.sections import sections_of
from drskit.verify import faults
from tests.builders import Walk, at, execution_of, line, sid, source, wave
from tests.harness import house, runbook_of
from tests.proof.world import PLAN, WORLD

PRICES = Prices(
    dated=date(2025, 3, 2), source="a list", large={"m5": Decimal("0.096"), "m4": Decimal("0.1")},
    windows_vcpu=Decimal("0.046"), gib_month={"gp3": Decimal("0.073")},
)  # fmt: skip
SIZE = Size(instance_type="m5.xlarge", gib=100)


def spent(*sizes: Size | None, hours: float = 10, gone: float | None = None) -> Execution:
    """A drill whose servers came up at nine, and were gone again after some hours."""
    execution = execution_of((wave("Database"), len(sizes)))
    (only,) = execution.waves
    launch = PhaseSpan(phase=Phase.LAUNCH, start_time=at(0), end_time=at(60))
    servers = tuple(
        server.model_copy(
            update={"status": ServerStatus.LAUNCHED, "size": size, "phases": (launch,), "end_time": at(60)}
            | ({"gone": at(gone * 3600), "status": ServerStatus.TERMINATED} if gone is not None else {})
        )
        for server, size in zip(only.servers, sizes, strict=True)
    )
    budget = BudgetRun(prices=PRICES, limit_usd=Decimal(5))
    plan = execution.plan.model_copy(update={"budget": BudgetPolicy(max_usd=Decimal(5), run=timedelta(hours=hours))})
    waves = (only.model_copy(update={"servers": servers}),)
    return execution.model_copy(update={"waves": waves, "budget": budget, "plan": plan})


# --- prices ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "windows", "hour"),
    [
        ("m5.large", False, "0.096"),
        ("m5.2xlarge", False, "0.384"),
        ("m5.12xlarge", False, "2.304"),
        ("m5.xlarge", True, "0.376"),
        ("m5.metal", False, None),
        ("m5.huge", False, None),
        ("x9.large", False, None),
        ("", False, None),
    ],
)
def test_a_size_costs_its_multiple_and_an_unknown_one_nothing_that_is_known(kind, windows, hour):
    """Windows costs more by vCPUs."""
    assert (None if hour is None else Decimal(hour)) == PRICES.hour(kind, windows=windows)


def test_drskit_s_own_prices_are_those_of_aws():
    """Sizes of several families, Windows, volumes, in several Regions; and they say how old they are."""
    found = read_prices(OWN, "us-west-2")
    assert "AWS list prices of 2025-03-02" == found.words
    for kind, windows, hour in (
        ("t3.medium", False, "0.0416"), ("t3.medium", True, "0.06"), ("t2.micro", True, "0.0162"),
        ("m5.large", True, "0.188"), ("c5.4xlarge", False, "0.68"), ("r6i.xlarge", False, "0.252"),
        ("m7i.2xlarge", False, "0.4032"),
    ):  # fmt: skip
        assert Decimal(hour) == found.hour(kind, windows=windows), kind
    assert Decimal("0.08") == found.gib_month["gp3"]
    assert Decimal("0.115") == read_prices(OWN, "eu-central-1").large["m5"]
    assert {} == read_prices(OWN, "mars-north-1").large


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "version: 1\ndated: 2026-01-01\nsource: ours\nregions: {us-west-2: {large: {m5: cheap}}}",
            "4: regions.us-west-2",
        ),
        ("version: 1\ndated: soon\nsource: ours\nregions: {}", "2: dated"),
        (
            "version: 1\ndated: 2026-01-01\nsource: ours\nregions: {us-west-2: {large: {m5: -1}}}",
            "4: regions.us-west-2",
        ),
        ("version: 1\nversion: 1", "2"),
    ],
)
def test_a_file_of_prices_that_is_none_is_refused(tmp_path: Path, text, told):
    """With the line."""
    path = tmp_path / "prices.yaml"
    path.write_text(text)
    with pytest.raises(InvalidInput, match=f"prices.yaml:{told}"):
        read_prices(path, "us-west-2")


# --- sums ------------------------------------------------------------------------------------------------------------


def test_an_instance_costs_from_its_launch_until_it_is_gone():
    """With its volumes; to the last fraction of a cent."""
    assert (Decimal("0.192") + Decimal("0.01"), True) == hourly(PRICES, SIZE)
    running = spent(SIZE, SIZE)
    assert Decimal("2.02") == bill(running, running.budget, at(5 * 3600)).usd
    assert (2, Decimal("0.404")) == (
        bill(running, running.budget, at(0)).running,
        bill(running, running.budget, at(0)).an_hour,
    )
    over = spent(SIZE, SIZE, gone=1)
    assert (Decimal("0.404"), 0) == (
        bill(over, over.budget, at(90_000)).usd,
        bill(over, over.budget, at(90_000)).running,
    )


def test_an_instance_that_did_not_pass_its_checks_costs_like_any_other():
    """It runs; so did what a failed launch left behind, once a cleanup has found it, and nobody knows of it before."""
    execution = spent(SIZE, SIZE)
    (only,) = execution.waves
    unfit, failed = (one.model_copy(update={"status": ServerStatus.FAILED}) for one in only.servers)
    unfit = unfit.model_copy(update={"recovery_instance_id": "i-0123456789abcdef0"})

    def costs(*servers: ServerRun) -> tuple[Decimal, int]:
        found = bill(with_wave(execution, "Database", servers=servers), execution.budget, at(5 * 3600))
        return found.usd, found.running

    assert (Decimal("1.01"), 1) == costs(unfit, failed)
    found = {"terminated_by": "01JDD5Q3X8M4T7V2W9Y0ZABCDE", "gone": at(2 * 3600)}
    assert (Decimal("1.414"), 1) == costs(unfit, failed.model_copy(update=found))


def test_what_has_no_price_is_said_to_be_missing():
    """Never taken for nothing."""
    execution = spent(SIZE, Size(instance_type="x9.large", gib=10), None)
    found = bill(execution, execution.budget, at(3600))
    assert 2 == len(found.unknown)
    assert "at least $0.20" == found.words


def test_amounts_are_read_as_dollars():
    """And less than a cent is no zero."""
    assert ["$1,204.10", "$0.00", "less than $0.01"] == [dollars(Decimal(text)) for text in ("1204.1", "0", "0.001")]


def test_a_wave_is_weighed_with_what_runs_for_as_long_as_the_plan_says():
    """What runs costs its whole time, too, not only what it has cost until now."""
    execution = spent(SIZE, hours=10)
    (only,) = execution.waves
    pending = only.servers[0].model_copy(update={"status": ServerStatus.PENDING, "phases": (), "end_time": None})
    found = committed(execution, execution.budget, only.model_copy(update={"servers": (pending,)}), at(3600))
    assert "4.05" == f"{found.usd:.2f}"


# --- a drill ---------------------------------------------------------------------------------------------------------


def test_a_drill_asks_before_it_becomes_too_dear_and_goes_on_when_somebody_allows_it():
    """Nothing of the wave is launched before; who allowed it, and how much, is kept; a cleanup ends the cost."""
    with house(text=WORLD) as home:
        name = home.session.start(runbook_of(PLAN + "budget: {max_usd: 0.30}\n")).execution_id
        home.finish()
        execution = home.session.store.load(name)
        assert ExecutionStatus.PAUSED is execution.status
        assert "with wave Application it would come to $0.35, and $0.30 are allowed" in execution.waiting_for
        assert 1 == len(home.jobs())
        assert (True, "t3.medium") == (
            execution.waves[0].servers[0].size.seen, execution.waves[0].servers[0].size.instance_type,
        )  # fmt: skip
        execution = home.session.command(name, CommandKind.RESUME, reason="worth it")
        home.finish()
        execution, events, logs = home.session.history(name)
        assert [] == list(faults(execution, events, logs))
        (accepted,) = execution.budget.accepted
        assert ("worth it", Decimal("0.45")) == (accepted.reason, accepted.limit_usd)
        assert (ExecutionStatus.COMPLETED, None) == (execution.status, question(execution))
        home.clock.sleep(3600)
        home.session.cleanup(name, reason="over")
        home.finish()
        execution = home.session.store.load(name)
        home.clock.sleep(36_000)
        home.session.store.load(name)
        found = bill(execution, execution.budget, home.session.store.now())
        assert ("$0.09", 0, 0) == (found.words, found.running, found.guessed)
        (cost,) = [one for one in sections_of(execution, (), home.session.store.now()) if one.title == "Cost"]
        assert cost.sentences[0].startswith("$0.09 of $0.30 allowed, $0.45 since somebody said yes; by ")


def test_the_first_wave_asks_as_any_other():
    """Its servers are looked up before it is weighed, in the pass that begins it."""
    with house(text=WORLD) as home:
        name = home.session.start(runbook_of(PLAN + "budget: {max_usd: 0.10}\n")).execution_id
        home.finish()
        execution = home.session.store.load(name)
        assert (ExecutionStatus.PAUSED, []) == (execution.status, home.jobs())
        assert "with wave Database it would come to $0.18, and $0.10 are allowed" in execution.waiting_for


# --- a retry ---------------------------------------------------------------------------------------------------------


def with_sizes(*waves: Wave) -> Walk:
    """A drill that may cost five dollars, of which each server costs two; each wave has two servers."""
    execution = execution_of(*((one, 2) for one in waves))
    runs = tuple(
        run.model_copy(update={"servers": tuple(one.model_copy(update={"size": SIZE}) for one in run.servers)})
        for run in execution.waves
    )
    plan = execution.plan.model_copy(update={"budget": BudgetPolicy(max_usd=Decimal(5), run=timedelta(hours=10))})
    budget = BudgetRun(prices=PRICES, limit_usd=Decimal(5))
    return Walk(execution.model_copy(update={"waves": runs, "plan": plan, "budget": budget}))


@pytest.mark.parametrize("ends", ["approve", "edit"])
def test_a_wave_that_waited_long_for_its_approval_is_weighed_again(ends):
    """What ran meanwhile has cost more than was foreseen: somebody has to allow that, too, whatever ends the wait."""
    walk = with_sizes(wave("Database"), wave("Application", approval=Approval(text="It accepts logins.")))
    budget = walk.execution.budget.model_copy(update={"limit_usd": Decimal(9)})
    walk.execution = walk.execution.model_copy(update={"budget": budget})
    walk.wave_done()
    walk.run(30 * 3600)
    if ends == "approve":
        walk.command(CommandKind.APPROVE, "Application")
    else:
        _, declared = walk.execution.plan.waves
        edit = WaveEdit(
            wave=declared.model_copy(update={"approval": None}),
            basis=basis_of(declared, walk.execution.wave("Application")),
        )
        walk.command(CommandKind.EDIT, "Application", edit=edit)
    walk.run()
    assert (ExecutionStatus.PAUSED, 1) == (walk.status, len(walk.launches))
    assert "a decision about the budget: with wave Application it would come to" in walk.execution.waiting_for
    walk.command(CommandKind.RESUME)
    walk.run()
    assert 2 == len(walk.launches)


def retried(hours: float, **changes: object) -> Walk:
    """A drill of which one server came up and one did not; so many hours later somebody has that one launched again."""
    walk = with_sizes(wave("Database", **changes)).wave_done(sid(2))
    walk.run(hours * 3600)
    walk.command(CommandKind.RETRY, "Database")
    return walk.run()


def test_a_retry_that_would_be_too_dear_asks_before_it_launches():
    """And launches what it is about once somebody has allowed more, and nothing else of the wave."""
    walk = retried(20)
    assert (ExecutionStatus.PAUSED, 1) == (walk.status, len(walk.launches))
    assert "wave Database waits until somebody allows more than the budget" in walk.answer()
    told = "a decision about the budget: with what wave Database launches again it would come to $6.10, and $5.00 are"
    assert told in walk.execution.waiting_for
    walk.run(3600)
    assert (ExecutionStatus.PAUSED, 1) == (walk.status, len(walk.launches))
    walk.command(CommandKind.RESUME)
    walk.run()
    assert ("$7.50 are allowed", (sid(2),)) == (walk.answer(), walk.launches[1].server_ids)
    walk.job_ends(walk.launch())
    walk.run(600)
    assert ExecutionStatus.COMPLETED is walk.status


def test_nothing_else_of_a_retry_begins_before_somebody_allows_it():
    """An action before the launch that failed, and that the retry would run again."""
    say = Publish(kind=ActionKind.SNS, topic="arn:aws:sns:us-west-2:123456789012:dr")
    before = (Action(does=say, modes=(ActionMode.DRILL,)),)
    walk = with_sizes(wave("Left"), wave("Right", needs=(), before=before)).wave_done()
    walk.command(CommandKind.RESUME)
    walk.run().acted(Ended(False, "no such topic"))
    walk.run(20 * 3600)
    assert (ExecutionStatus.FAILED, 1) == (walk.status, len(walk.acts))
    walk.command(CommandKind.RETRY)
    walk.run()
    assert (ExecutionStatus.PAUSED, 1) == (walk.status, len(walk.acts))
    walk.command(CommandKind.RESUME)
    walk.run()
    assert 2 == len(walk.acts)


def test_a_retry_that_the_budget_bears_launches_at_once():
    """It is weighed once: what it costs while it runs asks nobody."""
    walk = retried(1)
    assert (ExecutionStatus.POLLING, 2, None) == (walk.status, len(walk.launches), question(walk.execution))


def test_a_retry_that_is_too_dear_may_be_cancelled():
    """Nothing was launched by it."""
    walk = retried(20)
    walk.command(CommandKind.CANCEL)
    walk.run()
    assert (ExecutionStatus.CANCELLED, 1, None) == (walk.status, len(walk.launches), question(walk.execution))


def test_a_retry_that_is_too_dear_may_be_left_out():
    """By a skip of its server; the question goes with it."""
    walk = retried(20)
    walk.command(CommandKind.SKIP, servers=(sid(2),))
    walk.run()
    assert (ExecutionStatus.PARTIAL, 1, None) == (walk.status, len(walk.launches), question(walk.execution))


def followed_again() -> Walk:
    """A drill whose second step waits for a job of the first that outlived its wave; somebody has both tried again."""
    walk = with_sizes(wave("Database", order=((sid(1),), (sid(2),)))).run()
    job = walk.launch()
    walk.job_goes_on(job)
    walk.logs[job.job_id] = (line("LAUNCH_START", 5),)
    walk.run(60)
    walk.run(25 * 3600)
    walk.command(CommandKind.RETRY)
    walk.run()
    walk.job_ends(job)
    return walk


def test_what_a_retry_launches_after_an_earlier_job_has_ended_is_weighed_then():
    """The wave leaves its preparation to follow that job, and comes back to it."""
    walk = followed_again()
    assert WaveStatus.IN_PROGRESS is walk.waves[0]
    walk.run(60)
    assert (ExecutionStatus.PAUSED, 1) == (walk.status, len(walk.launches))
    assert "it would come to $7.09, and $5.00 are allowed" in walk.execution.waiting_for
    walk.command(CommandKind.RESUME)
    walk.run()
    assert [(sid(1),), (sid(2),)] == [launch.server_ids for launch in walk.launches]


def test_a_retry_that_launches_nothing_leaves_what_another_launches_to_be_weighed():
    """One server waits for money, one is lost, and somebody has a third one checked again."""
    walk = with_sizes(wave("Database"))
    (run,) = walk.execution.waves
    waits, checked = run.servers
    lost = checked.model_copy(update={"source_server_id": sid(3), "status": ServerStatus.UNKNOWN})
    checked = checked.model_copy(update={"status": ServerStatus.LAUNCHED, "unchecked": "given up"})
    update = {"status": WaveStatus.PREPARING, "servers": (waits, checked, lost), "unweighed": True}
    waves = (run.model_copy(update=update),)
    walk.execution = walk.execution.model_copy(update={"waves": waves, "status": ExecutionStatus.POLLING})
    walk.command(CommandKind.RETRY, "Database", (checked.source_server_id,))
    walk.step()
    assert f"wave Database checks {checked.source_server_id} again" in walk.answer()
    assert walk.execution.waves[0].unweighed


def test_waves_side_by_side_are_weighed_together():
    """What the first has begun to launch counts for the second, though nothing of it runs yet."""
    walk = with_sizes(wave("Left"), wave("Right", needs=()))
    walk.run()
    assert [WaveStatus.PREPARING, WaveStatus.PENDING] == walk.waves
    assert "with wave Right it would come to $8.11, and $5.00 are allowed" in walk.execution.waiting_for
    walk.launch()
    walk.run(10)
    walk.command(CommandKind.RESUME)
    walk.run()
    assert ((sid(3), sid(4)), "$10.00 are allowed") == (walk.launches[1].server_ids, walk.answer())


def test_a_question_names_what_is_needed_by_now():
    """A wave that fits began after it was asked about another one: people are told anew, and one yes is enough."""
    walk = with_sizes(wave("Left"), wave("Right", needs=()))
    left, right = walk.execution.waves
    cheap = tuple(one.model_copy(update={"size": SIZE.model_copy(update={"gib": 1})}) for one in right.servers)
    dear = tuple(one.model_copy(update={"size": Size(instance_type="m5.12xlarge", gib=1)}) for one in left.servers)
    walk.execution = with_wave(with_wave(walk.execution, "Left", servers=dear), "Right", servers=cheap)
    before = weighed(walk.execution, walk.execution.wave("Left"), walk.now)
    assert "with wave Left it would come to $46.10" in question(before)
    walk.run()
    assert [WaveStatus.PENDING, WaveStatus.PREPARING] == walk.waves
    walk.launch()
    walk.run()
    assert "with wave Left it would come to $49.95" in walk.execution.waiting_for
    assert [one.key for one in decisions(before)] != [one.key for one in decisions(walk.execution)]
    assert "Resume to allow $50.00" in walk.execution.waiting_for
    walk.command(CommandKind.RESUME)
    walk.run()
    assert 2 == len(walk.launches)


def test_a_lost_server_counts_as_if_it_ran():
    """Nobody knows whether it runs; a wave beside it is not weighed as if it did not."""
    execution = spent(SIZE, SIZE)
    (only,) = execution.waves
    known, lost = only.servers
    lost = lost.model_copy(update={"status": ServerStatus.UNKNOWN, "phases": (), "end_time": None})
    execution = with_wave(execution, "Database", status=WaveStatus.TIMED_OUT, servers=(known, lost))
    beside = only.model_copy(update={"wave_name": "Web", "servers": ()})
    assert "4.05" == f"{committed(execution, execution.budget, beside, at(3600)).usd:.2f}"


def test_a_wave_that_is_too_dear_after_a_pause_waits_for_a_person():
    """And nothing else: the execution is PAUSED, and no worker comes back to it each second."""
    walk = with_sizes(wave("Database"), wave("Application"))
    plan = walk.execution.plan.model_copy(update={"pacing": Pacing(waves=timedelta(minutes=2))})
    walk.execution = walk.execution.model_copy(update={"plan": plan})
    walk.wave_done()
    walk.run(60)
    assert ExecutionStatus.POLLING is walk.status
    walk.run(120)
    assert ExecutionStatus.PAUSED is walk.status
    assert "a decision about the budget" in walk.execution.waiting_for
    assert "pacing" not in walk.execution.waiting_for
    walk.command(CommandKind.RESUME)
    walk.run()
    assert 2 == len(walk.launches)


def test_a_wave_that_was_called_off_is_weighed_anew_when_it_may_follow():
    """Its old question stands no more, with its sum and its time."""
    walk = with_sizes(wave("Left"), wave("Right", needs=())).wave_done(sid(2))
    asked = walk.execution.budget.asked
    assert (ExecutionStatus.FAILED, None) == (walk.status, question(walk.execution))
    walk.run(3600)
    walk.command(CommandKind.RETRY)
    walk.run()
    assert (sid(2),) == walk.launches[1].server_ids
    assert at(4200) == walk.execution.budget.asked.at != asked.at


# --- forecast --------------------------------------------------------------------------------------------------------


def test_a_forecast_says_how_long_and_how_much_and_what_that_stands_on():
    """Two waves one after the other as in captured launches; what has no price is named."""
    runbook = runbook_of(PLAN + "budget: {max_usd: 10, run: PT2H}\n")
    servers = (
        source(1, recommended_type="m5.xlarge", disk_bytes=100 * 2**30),
        source(2, recommended_type="x9.large", disk_bytes=2**30, operating_system="Microsoft Windows Server 2022"),
    )
    resolved = [Resolved(group, (server,)) for group, server in zip(runbook.groups, servers, strict=True)]
    found = forecast(runbook.plan, resolved, PRICES, None)
    assert (timedelta(seconds=2 * 535), "as in captured launches") == (found.lasts, found.basis)
    assert [timedelta(0), timedelta(seconds=535)] == [one.begins for one in found.waves]
    assert (servers[1].source_server_id,) == found.bill.unknown
    assert "Costs at least $0.41, and $10.00 are allowed, if each instance runs 2 h" in money_words(found)
    told = found.to_json()
    assert ("0.41", True, "10") == (told["Usd"], told["AtLeast"], told["MaxUsd"])
    assert [1, 1] == [one["Jobs"] for one in told["Waves"]]


@pytest.mark.parametrize(
    ("servers", "quotas", "expected"),
    [
        (250, Quotas(servers=250), (3, 1)),
        (250, Quotas(servers=249), (3, 2)),
        (200, Quotas(servers_per_job=30), (8, 1)),
        (250, Quotas(jobs=2), (3, 2)),
    ],
)
def test_a_forecast_makes_the_jobs_and_rounds_that_the_engine_would(servers, quotas, expected):
    """What DRS takes at once is filled to the last server, with a smaller job."""
    runbook = runbook_of(PLAN)
    resolved = [Resolved(group, tuple(map(source, range(1, servers + 1)))) for group in runbook.groups]
    first, _ = forecast(runbook.plan, resolved, PRICES, None, quotas).waves
    assert expected == (first.jobs, first.rounds)


def test_a_forecast_counts_rounds_that_the_quotas_make_and_names_what_it_does_not_know():
    """Five servers, two a job and one job at once; a wait, and an action and checks that no drill has run yet."""
    wait = "before: [{wait: PT5M, modes: [DRILL]}, {wait: PT9H, modes: [RECOVERY]}]"
    unseen = "after: [{ssm_command: {commands: ls}, modes: [DRILL]}], checks: {all: [{ec2_status: ok}]}"
    runbook = runbook_of(PLAN.replace("groups: [database]", f"groups: [database], {wait}, {unseen}"))
    servers = tuple(source(number) for number in range(1, 6))
    resolved = [Resolved(group, servers) for group in runbook.groups]
    found = forecast(runbook.plan, resolved, PRICES, None, Quotas(jobs=1, servers_per_job=2))
    first, second = found.waves
    assert (3, 3, timedelta(seconds=3 * 535, minutes=5)) == (first.jobs, first.rounds, first.lasts)
    assert first.lasts == second.begins
    assert (
        "as in captured launches, with actions, without actions and checks, of which nothing is known yet"
        == found.basis
    )
    assert "DRS has no room for all of Database, Application at once: it takes 1 jobs" in quota_words(found)
    assert ["its actions", "its checks"] == found.to_json()["Waves"][0]["NotCounted"]
    assert "" == quota_words(forecast(runbook.plan, resolved, PRICES, None))


def test_a_forecast_takes_an_action_as_long_as_in_the_last_drill():
    """The slowest run of an action of this title, whatever wave it was in."""
    tidy = "after: [{ssm_command: {commands: ls}, name: tidy, modes: [DRILL]}]"
    runbook = runbook_of(PLAN.replace("groups: [app]", f"groups: [app], {tidy}"))
    (action,) = runbook.plan.waves[1].after
    done = Task(
        task_id="T", wave_name="Application", phase=TaskPhase.AFTER, index=0, number=1, kind=ActionKind.SSM_COMMAND,
        title=action.title, status=TaskStatus.DONE, intended_at=at(0), start_time=at(0), end_time=at(90),
    )  # fmt: skip
    last = execution_of((wave("Database"), 1), (wave("Application"), 1)).model_copy(update={"tasks": (done,)})
    resolved = [Resolved(group, (source(number),)) for number, group in enumerate(runbook.groups, 1)]
    found = forecast(runbook.plan, resolved, PRICES, last)
    assert timedelta(seconds=90) == found.waves[1].lasts - found.waves[0].lasts
    assert "with actions" in found.basis
