"""`drskit schedule` prints what other schedulers take, and what runs twice for one slot is one execution."""

import json
import re
import subprocess

import pytest

from drskit.planning import execution_id_for
from tests.cli.shell import BIN, bare_environment

MONDAYS = ("--cron", "0 3 * * 1")
RARELY = "CRON_TZ=UTC 0 0 29 2 *"
"""A slot that lasts for years: no test runs across its end."""


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (
            "systemd",
            ["# drskit-tiny.service\n[Unit]", "# drskit-tiny.timer\n[Unit]", "OnCalendar=Mon *-*-* 03:00:00 UTC\n"],
        ),
        ("crontab", ["0 3 * * 1 cd ", f" && {BIN}/drskit --env test drill ", "/tiny.yaml --yes --slot '0 3 * * 1'\n"]),
        ("eventbridge", ['"ScheduleExpression": "cron(0 3 ? * MON *)"', '\\"tiny.yaml\\", \\"--yes\\", \\"--slot\\"']),
        ("jupyter-scheduler", ['"schedule": "0 3 * * 1"', '"timezone": "UTC"', '"slot": "\'CRON_TZ=UTC 0 3 * * 1\'"']),
    ],
)
def test_a_schedule_is_printed_for_each_scheduler(open_shell, kind, expected):
    """On stdout as the scheduler takes it; on stderr what it does, when it does it next, and what it does not see."""
    shell = open_shell(tables=False)
    done = shell.run("--env", "test", "schedule", "tiny.yaml", *MONDAYS, "--as", kind)
    assert [] == [part for part in expected if part not in done.stdout]
    assert "It runs a REAL drill in AWS, without asking again, of plan tiny. Next" in done.stderr
    assert 3 == len(re.findall(r"\d \d\d:00:00Z", done.stderr))
    hides = "It does not see DRSKIT_CLOCK_URL, AWS_REGION, AWS_DEFAULT_REGION of this terminal." in done.stderr
    assert hides == (kind in {"systemd", "crontab"})


def test_a_schedule_says_the_same_in_json_and_can_be_written(open_shell):
    """Each file by its name; the next three times in UTC."""
    shell = open_shell(tables=False)
    words = (
        "schedule",
        "tiny.yaml",
        "--cron",
        "@daily",
        "--timezone",
        "Europe/Zurich",
        "--as",
        "systemd",
        "--simulate",
    )
    found = shell.json(*words, "--write", "units")
    assert ("tiny", "CRON_TZ=Europe/Zurich 0 0 * * *") == (found["PlanId"], found["Cron"])
    assert ["units/drskit-tiny.service", "units/drskit-tiny.timer"] == found["Written"]
    assert found["Files"] == {path.name: path.read_text() for path in (shell.folder / "units").iterdir()}
    assert '"--simulate" "--slot" "CRON_TZ=Europe/Zurich 0 0 * * *"' in found["Files"]["drskit-tiny.service"]
    assert {True} == {bool(re.fullmatch(r"20\d\d-\d\d-\d\dT2[23]:00:00Z", time)) for time in found["Next"]}
    assert "units/drskit-tiny.service\nunits/drskit-tiny.timer\n" == shell.run(*words, "--write", "units").stdout


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("--cron", "0 3 * *", "--as", "systemd"), "is no cron expression: its fields are 4."),
        (("--cron", "0 3 1 * 1", "--as", "eventbridge"), "Make two schedules"),
        (("--cron", "0 3 */2 * 1", "--as", "jupyter-scheduler"), "Choose one, or another scheduler."),
        ((*MONDAYS, "--timezone", "UTC", "--as", "crontab"), "cron knows the time zone of its machine only"),
        ((*MONDAYS, "--timezone", "Mars", "--as", "systemd"), "'Mars' is no time zone."),
        (
            ("--cron", RARELY, "--timezone", "Asia/Tokyo", "--as", "systemd"),
            "names UTC, and --timezone Asia/Tokyo. Keep",
        ),
        ((*MONDAYS, "--as", "systemd", "--approve-all"), "--approve-all is for simulated drills."),
        ((*MONDAYS, "--as", "at"), "'at' is not one of"),
        (("--as", "systemd"), "Missing option '--cron'"),
    ],
)
def test_what_cannot_be_scheduled_is_refused(open_shell, words, expected):
    """With 2, and nothing on stdout."""
    assert expected in open_shell(tables=False).complaint("schedule", "tiny.yaml", *words)


def test_a_wave_that_waits_for_approval_is_said(shell):
    """Nobody is there at three in the morning."""
    said = shell.run("schedule", "runbooks/shop.yaml", *MONDAYS, "--as", "crontab").stderr
    assert "A wave of it waits for approval: the run ends with 1 then" in said
    words = ("--as", "crontab", "--simulate", "--approve-all")
    assert "approval" not in shell.run("schedule", "runbooks/shop.yaml", *MONDAYS, *words).stderr


# --- slots -----------------------------------------------------------------------------------------------------------


def test_a_start_for_a_slot_is_made_once(open_shell):
    """By the expression or by its time; another slot is another execution, and the key is kept."""
    shell = open_shell()
    first = shell.start("tiny.yaml", "--slot", RARELY)
    assert (
        first
        == shell.start("tiny.yaml", "--slot", RARELY)
        == shell.start("tiny.yaml", "--slot", "2024-02-29T01:00:00+01:00")
    )
    assert execution_id_for("tiny", "2024-02-29T00:00:00Z", "") == first
    assert "--key and --slot both name the execution." in shell.complaint(
        "start", "tiny.yaml", "--slot", RARELY, "--key", "k"
    )
    shell.finish(first)
    assert first == shell.start("tiny.yaml", "--slot", RARELY)
    assert first != shell.start("tiny.yaml", "--slot", "2026-03-02T03:00:00Z")
    assert 2 == len(shell.json("executions", "list"))


def test_a_drill_for_a_slot_never_takes_up_another(open_shell):
    """One that is not over is named, and nothing is started; what is no slot is refused before."""
    shell = open_shell()
    live = shell.start("tiny.yaml")
    said = shell.complaint("drill", "tiny.yaml", "--simulate", "--slot", RARELY)
    assert (
        f"Execution {live} of plan tiny is not over, so that nothing was started for the slot 2024-02-29T00:00:00Z."
        in said
    )
    assert "is no cron expression" in shell.complaint("drill", "tiny.yaml", "--simulate", "--slot", "nightly")
    assert [live] == [header["ExecutionId"] for header in shell.json("executions", "list")]


@pytest.mark.slow
def test_a_crontab_line_that_fires_three_times_makes_one_execution(open_shell):
    """The very command that is printed, by a shell as cron does it: twice at the same time, and once afterwards."""
    shell = open_shell()
    shell.run("apply", "tiny.yaml")
    line = shell.run("schedule", "tiny.yaml", "--cron", "0 0 29 2 *", "--as", "crontab").stdout
    command = line.split(" ", 5)[5].replace("\\%", "%")

    def fire() -> "subprocess.Popen[str]":
        environment = bare_environment() | shell.variables | {"TZ": "UTC"}
        return subprocess.Popen(
            ["/bin/sh", "-c", command], env=environment, cwd="/", text=True, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )  # fmt: skip

    at_once = [fire(), fire()]
    said = [process.communicate(timeout=120) for process in at_once]
    late = fire()
    said.append(late.communicate(timeout=120))
    (listed,) = shell.json("executions", "list")
    assert ([0, 0, 0], "COMPLETED") == ([process.returncode for process in [*at_once, late]], listed["Status"]), said
    assert execution_id_for("tiny", "2024-02-29T00:00:00Z", "") == listed["ExecutionId"]
    assert "was for this slot, and is COMPLETED; nothing is launched again." in said[-1][1]
    assert 1 == len({out for out, _ in said})
    evidence = json.loads(
        (shell.folder / "runs" / listed["ExecutionId"] / "execution.json").read_text(encoding="utf-8")
    )
    assert ["COMPLETED"] * 2 == [wave["Status"] for wave in evidence["Waves"]]
    assert [1, 1] == [len(wave["Jobs"]) for wave in evidence["Waves"]]
