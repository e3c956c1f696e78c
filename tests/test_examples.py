"""The runbooks under `runbooks/examples/`: each is run in its world, and does what its first lines say."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from drskit.editing import edit, wanted
from drskit.errors import ChangeRefused, NotAuthorized, Refused
from drskit.model import CommandKind, Execution, ExecutionStatus, Phase, WaveStatus
from drskit.recovering import authorize, countersign, recover
from drskit.report.critical import Whose
from drskit.report.html import render_html
from drskit.report.markdown import render_markdown
from drskit.report.measures import Verdict
from drskit.report.summary import Summary, summarise
from drskit.resources import default_world
from drskit.runbook import load_runbook
from drskit.surroundings import surroundings
from drskit.verify import faults
from drskit.views.preview import preview_text
from tests.harness import RUNBOOKS, House, house, runbook_of

EXAMPLES = RUNBOOKS / "examples"
TESTED = {
    "steps",
    "tolerant",
    "past",
    "approvals",
    "editing",
    "change",
    "recovery",
    "notify",
    "budget",
    "actions",
    "quotas",
    "checks",
}
"""The runbooks that a test below is about."""


@contextmanager
def opened(name: str, **settings: object) -> Iterator[House]:
    """The example's own world."""
    path = EXAMPLES / f"{name}.yaml"
    with house(text=default_world(path, name).read_text(encoding="utf-8"), **settings) as home:
        yield home


def start(home: House, name: str) -> Execution:
    """The example, started."""
    return home.session.start(load_runbook(EXAMPLES / f"{name}.yaml"))


def ended(home: House, execution: Execution) -> tuple[Execution, Summary]:
    """The execution at its end, its history held to be whole, and its report rendered."""
    execution, events, logs = home.another_session().history(execution.execution_id)
    assert [] == list(faults(execution, events, logs))
    summary = summarise(execution, events, logs, home.session.store.now())
    assert execution.execution_id in render_html(summary)
    return execution, summary


def test_every_example_is_tested():
    """One that nobody runs is one that does not work."""
    assert TESTED == {path.stem for path in EXAMPLES.glob("*.yaml")}
    assert TESTED == {Path(path).stem for path in (EXAMPLES / "worlds").glob("*.yaml")}


def test_actions():
    """A failed automation is run again, a server that is down is passed over, and no traffic is shifted in a drill."""
    with opened("actions") as home:
        execution = start(home, "actions")
        home.finish()
        execution, summary = ended(home, execution)
        assert ExecutionStatus.COMPLETED is execution.status
        assert ["Actions"] == [section.title for section in summary.sections]
        assert ["wait", "ssm_automation", "ssm_automation", "ssm_command"] == [
            step.words.rpartition(", ")[2] for step in summary.path if step.whose is Whose.ACTIONS
        ]
        assert [
            ("replication settles", "DONE"),
            ("ssm_automation FreezeBatchJobs", "FAILED"),
            ("ssm_automation FreezeBatchJobs", "DONE"),
            ("database answers", "DONE"),
            ("lambda smoke-test", "DONE"),
            ("tell the CMDB", "FAILED"),
            ("lambda shift-traffic", "SKIPPED"),
            ("sns arn:aws:sns:us-west-2:123456789012:dr", "DONE"),
        ] == [(task.title, task.status) for task in execution.tasks]
        assert ["Frozen: 7 jobs", '{"passed": "12 of 12"}', "down for maintenance"] == [
            execution.tasks[number].output for number in (2, 4, 5)
        ]
        received = [(one["service"], one["name"]) for one in home.gateway.received()]
        assert ("sns", "arn:aws:sns:us-west-2:123456789012:dr") == received[-1]
        assert ("lambda", "shift-traffic") not in received
        assert f"{execution.execution_id} is COMPLETED" == home.gateway.received()[-1]["message"]


def test_steps():
    """Primary, replicas and the rest one after the other, the cache beside them, the application after a pause."""
    with opened("steps") as home:
        shown = preview_text(home.session.preview(load_runbook(EXAMPLES / "steps.yaml")))
        assert "step 1: steps-primary" in shown
        assert "; then step 3: steps-reporting" in shown
        assert "Pauses 2 min before a wave" in shown
        execution = start(home, "steps")
        home.finish()
        execution, summary = ended(home, execution)
        assert ExecutionStatus.COMPLETED is execution.status
        database, cache, app = execution.waves
        jobs = [part for part in execution.attempts_of("Database") if part.end_time and part.creation_time]
        assert [1, 2, 1] == [len(part.server_ids) for part in jobs]
        for before, after in itertools.pairwise(jobs):
            wait = after.creation_time - before.end_time
            assert timedelta(seconds=30) <= wait <= timedelta(seconds=37), wait
        assert cache.start_time == database.start_time
        assert timedelta(minutes=2) == app.start_time - database.end_time
        through = [step.server_name for step in summary.path if step.phase is Phase.LAUNCH]
        assert ["steps-primary", "steps-reporting", "steps-app"] == [name for name in through if "replica" not in name]
        pauses = [round(step.lasted.total_seconds()) for step in summary.path if "a pause" in step.words]
        assert [30, 30, 120] == [seconds // 10 * 10 for seconds in pauses]
        assert summary.elapsed >= sum((step.lasted for step in summary.path), timedelta())


def test_quotas():
    """Two servers a job as slots become free, a stranger's job beside them, and the wait is told from first to last."""
    with opened("quotas") as home:
        execution = start(home, "quotas")
        home.session.poller().run_pass()
        execution = home.session.store.load(execution.execution_id)
        queued = "waits for a job slot in us-west-2: 3 of 3 jobs run, 1 of them not ours"
        assert (WaveStatus.QUEUED, queued) == (execution.waves[0].status, execution.waves[0].reason)
        home.finish()
        execution, summary = ended(home, execution)
        assert ExecutionStatus.COMPLETED is execution.status
        assert [2, 2, 2, 1] == [len(attempt.server_ids) for attempt in execution.attempts]
        (section,) = [section for section in summary.sections if section.title == "Waits for room in DRS"]
        (wait,) = [[cell.text for cell in row] for row in section.rows]
        assert ("Wave Web", queued.removeprefix("waits for ")) == (wait[0], wait[-1])
        assert "Waits for room in DRS" in render_html(summary)


def test_tolerant():
    """One of ten web servers fails, and an optional one: the drill is PARTIAL, and says so."""
    with opened("tolerant") as home:
        shown = preview_text(home.session.preview(load_runbook(EXAMPLES / "tolerant.yaml")))
        assert "; 1 of 10 may fail (10%)" in shown
        assert "Starts nothing new once it has lasted 6 h" in shown
        execution = start(home, "tolerant")
        home.finish()
        execution, summary = ended(home, execution)
        assert ExecutionStatus.PARTIAL is execution.status
        assert "at most 1 critical server may fail (10%)" in render_html(summary)
        assert [WaveStatus.PARTIAL, WaveStatus.PARTIAL] == [wave.status for wave in execution.waves]
        assert ["1 of 10 servers failed: tolerant-web-7", "1 of 2 servers failed: tolerant-reporting"] == [
            wave.reason for wave in execution.waves
        ]


def test_a_plan_whose_time_is_over_ends():
    """The same plan under two minutes: its first job is followed to its end, and the second wave never begins."""
    with opened("tolerant") as home:
        text = (EXAMPLES / "tolerant.yaml").read_text(encoding="utf-8").replace("timeout: PT6H", "timeout: PT2M")
        execution = home.session.start(runbook_of(text))
        home.finish()
        execution, summary = ended(home, execution)
        assert (ExecutionStatus.TIMED_OUT, 1) == (execution.status, len(home.jobs()))
        assert [WaveStatus.PARTIAL, WaveStatus.CANCELLED] == [wave.status for wave in execution.waves]
        assert "the plan's time was over at 2026-03-02 09:02:" in summary.verdict


def test_checks():
    """The database is verified by commands on it, whose count is evidence; a web server that fails is optional."""
    with opened("checks") as home:
        shown = preview_text(home.session.preview(load_runbook(EXAMPLES / "checks.yaml")))
        assert "checked by ec2_status, tcp 5432, ssm systemctl is-active postgresql" in shown
        execution = start(home, "checks")
        home.finish()
        execution, summary = ended(home, execution)
        assert ExecutionStatus.PARTIAL is execution.status
        (database,), web = (wave.servers for wave in execution.waves)
        assert "104217|2026-03-02 08:59:41+00" == database.checks[3].text
        assert ["VERIFIED", "VERIFIED", "FAILED"] == [server.status for server in web]
        assert '{"database": "DOWN", "reason": "no route to 10.0.4.12"}' in (web[2].error or "")
        context = surroundings(home.session, execution, home.session.store.now())
        summary = summarise(execution, (), (), home.session.store.now(), context=context)
        page = render_html(summary)
        assert ["checks-web-3"] == [shot.name for shot in context.screenshots]
        assert '<img src="data:image/jpeg;base64,/9j/' in page
        assert "104217|2026-03-02 08:59:41+00" in page
        assert "until launched" in page


def test_past():
    """Each server comes from the point in time that the runbook asks for, and the report says how old its data was."""
    with opened("past") as home:
        shown = preview_text(home.session.preview(load_runbook(EXAMPLES / "past.yaml")))
        assert (
            "Recovers from the past: past-ledger from pit-54afb8c00f804c81f of 2026-03-02 04:00:00Z, past-orders from"
            in shown
        )
        execution = start(home, "past")
        home.finish()
        execution, summary = ended(home, execution)
        assert ExecutionStatus.COMPLETED is execution.status
        orders, ledger, web = (server for wave in execution.waves for server in wave.servers)
        assert ("08:20", "04:00") == tuple(f"{server.snapshot_time:%H:%M}" for server in (orders, ledger))
        assert (None, True) == (web.snapshot, web.snapshot_time > web.request_time)
        assert ledger.request_time - ledger.snapshot_time == summary.rpo.actual
        assert Verdict.MET is summary.rpo.verdict
        assert "asked for 2026-03-02 04:00:00Z" in render_html(summary)


def test_approvals():
    """Whoever started it is refused; one of the role is heard, and the report says who it was."""
    zoe = "arn:aws:sts::123456789012:assumed-role/DrApprovers/zoe"
    with opened("approvals", user="mira") as home:
        runbook = load_runbook(EXAMPLES / "approvals.yaml")
        assert "(to be approved by zoe or role/DrApprovers, and by somebody else" in preview_text(
            home.session.preview(runbook)
        )
        execution = start(home, "approvals")
        home.finish(approve=False)
        with pytest.raises(Refused, match="may not approve it"):
            home.session.command(execution.execution_id, CommandKind.APPROVE, reason="looks fine", wave="Application")
        session = home.another_session(user=zoe)
        session.command(execution.execution_id, CommandKind.APPROVE, reason="books balance", wave="Application")
        home.finish(approve=False)
        execution, summary = ended(home, execution)
        assert ExecutionStatus.COMPLETED is execution.status
        (approval,) = summary.approvals
        assert (zoe, "books balance") == (approval.decision.by, approval.decision.reason)
        assert "to be approved by zoe or role/DrApprovers" in render_html(summary)


def test_approvals_that_nobody_gives():
    """After half an hour the wave is left out, and that is no yes."""
    with opened("approvals", user="mira") as home:
        execution = start(home, "approvals")
        home.finish(approve=False)
        home.clock.sleep(1_800)
        home.finish(approve=False)
        execution, _ = ended(home, execution)
        assert (ExecutionStatus.PARTIAL, WaveStatus.SKIPPED) == (execution.status, execution.waves[1].status)
        assert 2 == len(home.jobs())


def test_editing():
    """The server that was taken out is not launched; both plans are kept, and the report says who edited and why."""
    with opened("editing", user="mira") as home:
        execution = start(home, "editing")
        home.finish(approve=False)
        what = wanted("timeout: PT2H", remove=["s-7a0c1d2e3f4a5b6c3"])
        edit(home.session, execution.execution_id, "Web", what, reason="its disks lag behind")
        home.finish()
        execution, summary = ended(home, execution)
        assert (ExecutionStatus.COMPLETED, [1, 1]) == (
            execution.status, [len(job["participatingServers"]) for job in home.jobs()],
        )  # fmt: skip
        assert timedelta(hours=2) == execution.plan.waves[1].timeout != execution.started_plan.waves[1].timeout
        assert execution.plan.digest != execution.started_plan.digest
        (untested,) = summary.untested
        assert (
            "It was taken out of wave Web by arn:aws:iam::123456789012:user/mira: its disks lag behind" == untested.why
        )


def test_change():
    """By night and under a ticket it starts; without one only when somebody says why, and the report shows both."""
    with opened("change") as home:
        runbook = load_runbook(EXAMPLES / "change.yaml")
        with pytest.raises(ChangeRefused, match="a change ticket is required"):
            home.session.start(runbook)
        execution = home.session.start(runbook, ticket="CHG0012345")
        home.finish()
        execution, summary = ended(home, execution)
        assert ExecutionStatus.COMPLETED is execution.status
        assert "Started under ticket CHG0012345, in the window mon, tue, wed, thu 22:00-05:00." in render_html(summary)
        execution = home.session.start(runbook, override="the storage is failing")
        home.finish()
        _, summary = ended(home, execution)
        assert "AGAINST its change control (a change ticket is required, and none was named)" in render_html(summary)
        assert "the storage is failing" in render_markdown(summary)


def test_recovery():
    """One authorises it, another countersigns; it recovers for real, and the report says who agreed and why."""
    with opened("recovery") as home:
        runbook = load_runbook(EXAMPLES / "recovery.yaml")
        made = authorize(home.session, home.session.preview(runbook), reason="the site is lost")
        with pytest.raises(NotAuthorized, match="waits for a second person"):
            recover(home.session, runbook, token=made.token)
        noor = home.another_session(user="noor")
        countersign(noor, made.authorization.authorization_id, reason="seen it on the call")
        execution = recover(home.session, runbook, token=made.token)
        home.finish()
        execution, summary = ended(home, execution)
        assert ExecutionStatus.COMPLETED is execution.status
        assert {"START_RECOVERY"} == {job["initiatedBy"] for job in home.jobs()}
        for text in (render_html(summary), render_markdown(summary)):
            assert "the site is lost" in text
            assert "seen it on the call" in text


def test_notify():
    """Everything to one topic and the bus, to the other what somebody must act on; in order, and under one id each."""
    with opened("notify") as home:
        execution = start(home, "notify")
        home.finish()
        home.session.command(execution.execution_id, CommandKind.RETRY, reason="there is room now")
        home.finish()
        execution, _ = ended(home, execution)
        letters = home.gateway.inbox.to_json()
        night = [one["subject"].partition(": notify: ")[2] for one in letters if one["target"].endswith(".fifo")]
        assert ExecutionStatus.COMPLETED is execution.status
        assert [
            "wave Application waits for approval",
            "wave Application is FAILED",
            "wave Application needs a decision",
        ] == night
        for target in execution.plan.notify:
            kinds = [notice.kind for notice in execution.notices if target.wants(notice.kind)]
            assert len(kinds) == sum(one["target"] == target.address for one in letters)


def test_budget():
    """The forecast says what it would cost; the drill asks before the dear wave, and the report says who allowed it."""
    with opened("budget") as home:
        runbook = load_runbook(EXAMPLES / "budget.yaml")
        assert "$11.34, and $5.00 are allowed" in preview_text(home.session.preview(runbook))
        execution = start(home, "budget")
        home.finish()
        waiting = home.session.store.load(execution.execution_id)
        assert ExecutionStatus.PAUSED is waiting.status
        assert "with wave Warehouse it would come to $11.38" in waiting.waiting_for
        assert "wave Warehouse would pass the budget" in home.gateway.inbox.to_json()[-1]["subject"]
        home.session.command(execution.execution_id, CommandKind.RESUME, reason="it is tested once a year")
        home.finish()
        execution, summary = ended(home, execution)
        assert ExecutionStatus.COMPLETED is execution.status
        for text in (render_html(summary), render_markdown(summary)):
            assert "it is tested once a year" in text
            assert "r5.8xlarge" in text
