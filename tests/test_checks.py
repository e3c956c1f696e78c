"""Checks from end to end: real boto3, moto, the simulator, virtual time."""

from contextlib import contextmanager

import pytest

from drskit.checks import Check, CheckKind, Checks, CheckState
from drskit.errors import Refused
from drskit.model import CommandKind, ExecutionStatus, ServerStatus, WaveStatus
from drskit.sim.spec import Fault, FaultKind
from drskit.store.limits import ensure_fits, largest_item_bytes
from drskit.verify import faults
from tests.builders import execution_of, wave
from tests.harness import final, house, runbook_of

WORLD = """\
start: 2026-03-02T09:00:00Z
generate:
  - {count: 2, names: "web-{number}", tags: {Role: web}, durations: QUICK}
  - {count: 1, names: "later-{number}", tags: {Role: later}, durations: QUICK}
servers:
  - {id: s-5a4c1e0b7d2f93861, name: odd, tags: {Role: web}, durations: QUICK, ODD}
answers: ANSWERS
"""
UP = '{http: "http://{private_ip}:8080/health", body: UP}'
SLOW = "{http: [{path: /health, before: 300, status: 503, body: starting}, {path: /health, body: all UP}]}"
QUICK = "{snapshot: 1, conversion: 5, launch: 20}"
ODD = "s-5a4c1e0b7d2f93861"


def book(checks, *, more="", **options):
    """A plan of one wave with these checks; what is more may be another wave."""
    said = ", ".join(f"{name}: {value}" for name, value in options.items())
    return runbook_of(
        f"""\
version: 1
plan: shop
sites: {{main: {{region: us-west-2}}}}
groups: {{web: {{select: {{tags: {{Role: web}}}}}}, later: {{select: {{tags: {{Role: later}}}}}}}}
waves:
  - name: Web
    groups: [web]
    checks: {{{said}{", " if said else ""}all: [{checks}]}}
{more}"""
    )


@contextmanager
def world(answers="{}", odd="answers: {}"):
    """A world of three servers, one of which may answer otherwise."""
    text = WORLD.replace("QUICK", QUICK).replace("ANSWERS", answers).replace("ODD", odd)
    with house(text=text) as home:
        yield home


def run(home, runbook):
    """A drill from start to end."""
    execution = home.session.start(runbook)
    home.finish()
    return ended(home, execution)


def ended(home, execution):
    """The execution as the tables have it, its history held to be whole."""
    execution, events, logs = home.another_session().history(execution.execution_id)
    assert list(faults(execution, events, logs)) == []
    return execution


def until(home, runbook, condition):
    """A drill until its wave is as is asked for."""
    execution = home.session.start(runbook)
    poller = home.session.poller()
    for _ in range(200):
        result = poller.run_pass()
        found = final(home, execution)
        if condition(found):
            return found
        home.clock.sleep(poller.wait_seconds(result))
    raise AssertionError(found.waves[0])


def verifying(execution):
    """Its first wave is being verified, and something was answered."""
    servers = execution.waves[0].servers
    return execution.waves[0].status is WaveStatus.VERIFYING and all(
        server.checks and all(run.state is not CheckState.WAITING for run in server.checks) for server in servers
    )


def test_a_wave_is_verified_when_every_server_has_passed():
    """What is red is said while it is; COMPLETED, and the next wave, come when the last one answers well."""
    with world(SLOW) as home:
        runbook = book(f"{{ec2_status: ok}}, {{tcp: 8080}}, {UP}", more="  - {name: Later, groups: [later]}\n")
        execution = until(home, runbook, verifying)
        assert execution.status is ExecutionStatus.POLLING
        said = execution.waiting_for
        assert "the checks of wave Web since 2026-03-02 09:0" in said
        assert "3 of 3 servers: ec2_status instance initializing, system initializing since 2026-03-02 09:0" in said
        assert "(odd, web-1, web-2)" in said
        home.finish()
        execution = ended(home, execution)
        assert [found.status for found in execution.waves] == [WaveStatus.COMPLETED] * 2
        web, later = execution.waves
        for server in web.servers:
            born = home.gateway.world.instances[server.recovery_instance_id].launched_at
            assert server.status is ServerStatus.VERIFIED
            assert 300 <= (server.verified_time - born).total_seconds() <= 335
            http = server.checks[2]
            assert (http.state, http.code, http.text) == (CheckState.PASSED, "200", "all UP")
            assert http.first_time < http.passed_time
        assert max(server.verified_time for server in web.servers) == web.end_time == later.start_time
        assert later.servers[0].status is ServerStatus.LAUNCHED


def test_probes_may_run_on_the_instances_themselves():
    """A lost reply, a throttle and a late request leave one command each; what it printed is kept as evidence."""
    answers = SLOW.replace("}]}", "}], commands: [{contains: count, takes: 20, stdout: orders 1042}]}")
    with world(answers, odd="answers: {agent: false}") as home:
        for kind, after in ((FaultKind.LOST_REPLY, 0), (FaultKind.THROTTLE, 1), (FaultKind.LATE, 2)):
            seconds = 30 if kind is FaultKind.LATE else None
            fault = Fault(service="ssm", operation="SendCommand", kind=kind, after=after, seconds=seconds)
            home.gateway.add_faults([fault])
        checks = f"{UP}, {{integrity: count rows, output: 'orders [0-9]+'}}, {{ssm: 'systemctl is-active {{name}}'}}"
        execution = run(home, book(checks, run_from="ssm", timeout="PT8M", more=f"    optional: [{ODD}]\n"))
        assert execution.status is ExecutionStatus.PARTIAL
        kept = next(server for server in execution.waves[0].servers if server.name == "web-1").checks
        assert [one.state for one in kept] == [CheckState.PASSED] * 3
        assert (kept[0].code, kept[0].text) == ("200", "all UP")
        assert (kept[1].code, kept[1].text, len(kept[1].digest)) == ("exit 0", "orders 1042", 64)
        odd = next(server for server in execution.waves[0].servers if server.source_server_id == ODD)
        assert (odd.status, odd.checks[0].code) == (ServerStatus.FAILED, "its SSM agent does not answer")
        sent = home.session.clients.ssm("us-west-2").list_commands()["Commands"]
        assert len({one["Comment"] for one in sent}) == len(sent)
        assert next(one for one in sent if "integrity" in one["Comment"])["TargetCount"] == 2


def test_what_does_not_pass_has_failed_and_a_retry_checks_it_again():
    """Asked once more at the end of its time; who retries has mended it by hand, and nothing is launched again."""
    with world(odd="answers: {tcp: [{port: 8080, before: 1200, open: false}]}") as home:
        execution = run(home, book("{tcp: 8080}", timeout="PT5M"))
        before = {server.source_server_id: server for server in execution.waves[0].servers}
        assert (execution.status, before[ODD].status) == (ExecutionStatus.FAILED, ServerStatus.FAILED)
        assert before[ODD].error == "its check tcp 8080 did not pass within 5 min, asked 11 times; last answer refused"
        home.clock.sleep(1200)
        home.session.command(execution.execution_id, CommandKind.RETRY, reason="opened the port")
        home.finish()
        execution = ended(home, execution)
        assert execution.status is ExecutionStatus.COMPLETED
        assert f"wave Web checks {ODD} again" in execution.commands[-1].answer
        for server in execution.waves[0].servers:
            was = before[server.source_server_id]
            assert server.recovery_instance_id == was.recovery_instance_id
            assert server == was or server.source_server_id == ODD
        assert len(home.jobs()) == 1


def test_a_skipped_server_is_let_go_unverified():
    """Its wave is PARTIAL: COMPLETED would claim what nobody has seen."""
    with world(odd="answers: {tcp: [{port: 8080, open: false}]}") as home:

        def two_verified(found):
            return sum(server.status is ServerStatus.VERIFIED for server in found.waves[0].servers) == 2

        execution = until(home, book("{tcp: 8080}"), two_verified)
        good = next(server.source_server_id for server in execution.waves[0].servers if server.name == "web-1")
        with pytest.raises(Refused, match="is VERIFIED"):
            home.session.command(execution.execution_id, CommandKind.SKIP, servers=(good,), reason="x")
        home.session.command(execution.execution_id, CommandKind.SKIP, servers=(ODD,), reason="known to be closed")
        home.finish()
        execution = ended(home, execution)
        odd = next(server for server in execution.waves[0].servers if server.source_server_id == ODD)
        assert (execution.status, odd.status) == (ExecutionStatus.PARTIAL, ServerStatus.LAUNCHED)
        assert "known to be closed" in odd.unchecked
        assert "1 of 3 servers not verified: odd" in execution.waves[0].reason


def test_a_cancelled_execution_checks_nothing_more():
    """What was not verified by then stays so, also where AWS did not answer meanwhile."""
    with world("{tcp: [{open: false}]}") as home:
        execution = until(home, book("{tcp: 8080}, {ec2_status: ok}"), verifying)
        home.gateway.add_faults(
            [Fault(service="ec2", operation="DescribeInstanceStatus", kind=FaultKind.THROTTLE, times=3)]
        )
        home.session.command(execution.execution_id, CommandKind.CANCEL, reason="enough")
        home.finish()
        execution = ended(home, execution)
        assert (execution.status, execution.waves[0].status) == (ExecutionStatus.CANCELLED, WaveStatus.PARTIAL)
        assert all("cancelled" in server.unchecked for server in execution.waves[0].servers)


def test_no_item_grows_too_large_by_checks():
    """An item holds fewer servers then, and an event tells of fewer."""
    some = tuple(Check(kind=CheckKind.HTTP, target=f"http://{{private_ip}}:{port}/") for port in range(80, 85))
    many = tuple(Check(kind=CheckKind.INTEGRITY, target=f"count {number}") for number in range(20))
    for checks in (some, many, some[:1]):
        execution = execution_of((wave("Web", checks=Checks(all=checks)), 130))
        ensure_fits(execution)
        assert largest_item_bytes(execution) <= 350_000
