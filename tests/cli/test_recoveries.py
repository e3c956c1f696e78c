"""authorize and recover: what is shown, asked, refused and left behind, and how recovered servers are cleaned up."""

import json
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from drskit.cli import COMMANDS
from tests.cli.plans import runbook
from tests.sim.lab import server_id

LOST = ("--reason", "the site is lost")


def authorised(shell, *words: str) -> str:
    """A token, made without a question."""
    return shell.run("authorize", "tiny.yaml", *LOST, "--yes", *words).stdout.strip()


def test_a_recovery_in_two_steps(open_shell):
    """The token is the only thing on stdout; what it starts is followed, and reported as a RECOVERY."""
    shell = open_shell()
    shown = shell.run("authorize", "tiny.yaml", *LOST, "--yes")
    for words in ("SIMULATED RECOVERY of plan tiny: 2 servers, account", "us-west-2", "This is no drill"):
        assert words in shown.stderr
    for words in ("Terminates no instance", f"server-1 ({server_id(1)}) CONTINUOUS, lag", "from the newest data"):
        assert words in shown.stderr
    token = shown.stdout.strip()
    told = shell.run("recover", "tiny.yaml", "--token", "-", typed=f"{token}\n")
    (run,) = (path for path in (shell.folder / "runs").iterdir() if path.is_dir())
    assert str(run / "report.html") in told.stdout
    execution = json.loads((run / "execution.json").read_text())
    assert ("RECOVERY", "COMPLETED") == (execution["ExecutionType"], execution["Status"])
    assert "the site is lost" in (run / "report.html").read_text()
    for path in run.iterdir():
        assert token.partition(".")[2] not in path.read_text()
    assert 0 == shell.run("verify", str(run)).exit_code

    preview = shell.complaint("cleanup", execution["ExecutionId"], "--reason", "failed back", "--yes")
    assert "type exactly: terminate 2 recovered servers of tiny" in preview
    wrong = shell.run("cleanup", execution["ExecutionId"], "--reason", "x", "--yes", typed="yes\n", code=2)
    assert "'yes' was typed" in wrong.stderr
    words = "terminate 2 recovered servers of tiny"
    shell.run("cleanup", execution["ExecutionId"], "--reason", "failed back", "--yes", typed=f"{words}\n")
    shell.run("poll", "--until-idle")
    cleanup = shell.json("executions", "list")[0]
    assert ("CLEANUP", "COMPLETED") == (cleanup["ExecutionType"], cleanup["Status"])


def test_an_authorisation_as_json(open_shell):
    """All that was shown, and the token; never its hash."""
    shell = open_shell()
    found = shell.json("authorize", "tiny.yaml", *LOST, "--yes", "--second")
    assert {"AuthorizationId", "Token", "Expires", "SecondPerson", "Recovery", "By", "Reason"} <= set(found)
    assert (True, None) == (found["SecondPerson"], found["Second"])
    servers = found["Recovery"]["Servers"]
    assert [("CONTINUOUS", "latest")] * 2 == [(one["ReplicationState"], one["Snapshot"]) for one in servers]
    assert ["plan tiny: new, with 2 waves"] == found["Recovery"]["Differences"][:1]
    assert "Hash" not in json.dumps(found)
    name = found["AuthorizationId"]
    own = shell.complaint("authorize", "--confirm", name, "--reason", "me again", "--yes")
    assert "is to be countersigned by somebody else" in own
    other = shell.run("authorize", "--confirm", name, "--reason", "seen", "--yes", variables={"DRSKIT_USER": "noor"})
    assert f"Authorised by {found['By']}" in other.stderr
    assert f"{name} is countersigned." in other.stdout


@pytest.mark.parametrize("token", ["false", "no", "0", "None", "RECOVERY", "", "A1.x"])
def test_what_is_no_token_starts_nothing(shop, token):
    """By the command line's entry point; nor is one made up of anything else."""
    said = shop.complaint("recover", "runbooks/shop.yaml", "--token", token)
    assert "There is no authorisation with this token. Make one: drskit authorize FILE" in said
    assert [] == shop.json("executions", "list")


def test_without_a_token_nobody_recovers(shop):
    """Where no terminal is there to ask at."""
    assert "A recovery needs its token." in shop.complaint("recover", "runbooks/shop.yaml")
    assert "There is no authorisation" in shop.complaint("recover", "runbooks/shop.yaml", "--token", "-")


def every(name: str, command: click.Command) -> Iterator[tuple[str, click.Command]]:
    """A command and those under it."""
    yield name, command
    for part, below in command.commands.items() if isinstance(command, click.Group) else ():
        yield from every(f"{name} {part}", below)


def test_only_recover_recovers():
    """No other command, nor one under it, takes a token or a type, by a flag or a variable: a drill stays a drill."""
    import importlib

    seen = 0
    for top, (module, _) in COMMANDS.items():
        for name, command in every(top, importlib.import_module(f"drskit.cli.{module}").COMMANDS[top]):
            seen += 1
            options = {option for parameter in command.params for option in parameter.opts}
            assert (name == "recover") is ("--token" in options), name
            assert not options & {"--type", "--execution-type", "--recovery", "--real", "--no-drill"}, name
            assert not any(parameter.envvar for parameter in command.params), name
    assert seen > len(COMMANDS)


def test_authorising_asks_and_needs_a_terminal(open_shell):
    """A no makes no token; without a terminal only --yes does."""
    shell = open_shell()
    refused = shell.run("authorize", "tiny.yaml", *LOST, typed="n\n", code=2)
    assert ("", True) == (refused.stdout, "the answer was no" in refused.stderr)
    assert "there is no terminal to ask at" in shell.complaint("authorize", "tiny.yaml", *LOST)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["authorize", *LOST], "Name the runbook to authorise"),
        (["authorize", "tiny.yaml", "--confirm", "A1", *LOST], "Name the runbook to authorise"),
        (["authorize", "--confirm", "A1", "--fast", *LOST], "--fast was decided by whoever authorised it"),
        (["recover", "runbooks/shop.yaml", "--speed", "2"], "--speed is for simulated recoveries"),
        (["recover", "runbooks/shop.yaml", "--simulate", "--token", "T"], "No token is good in a simulated world"),
    ],
)
def test_wrong_uses_are_named(shell, words, said):
    """With the remedy."""
    assert said in shell.complaint(*words)


def test_a_rehearsal_authorises_itself(shell):
    """In a simulated world of its own, by the same token and the same checks; a second person stands in."""
    shell.run("recover", "runbooks/examples/recovery.yaml", "--simulate", "--approve-all", "--output", "kept")
    (run,) = Path(shell.folder / "kept").iterdir()
    execution = json.loads((run / "execution.json").read_text())
    assert ("RECOVERY", "SIMULATED", "COMPLETED") == tuple(
        execution[key] for key in ("ExecutionType", "Mode", "Status")
    )


def test_against_aws_a_file_that_was_not_applied_is_refused(open_shell):
    """It is shown at the first step, and refused at the second; --apply applies it."""
    shell = open_shell(real=True)
    shown = shell.run("authorize", "tiny.yaml", *LOST, "--yes")
    assert "REAL RECOVERY of plan tiny" in shown.stderr
    assert "NOT APPLIED yet: plan tiny: new" in shown.stderr
    token = shown.stdout.strip()
    assert "differs from the applied plan" in shell.complaint("recover", "tiny.yaml", "--token", token, "--yes")
    assert "there is no terminal to ask at" in shell.complaint("recover", "tiny.yaml", "--token", token, "--apply")
    assert [] == shell.json("executions", "list")


def test_the_runbooks_key_is_checked(shell):
    """As every key."""
    shell.write("mine.yaml", f"{runbook()}recovery: {{second_person: maybe}}\n")
    assert "recovery.second_person: 'maybe': write true or false" in shell.complaint("validate", "mine.yaml")
    shell.write("mine.yaml", f"{runbook()}recovery:\n")
    assert "recovery: nothing stands here; say second_person: true, or remove the key" in shell.complaint(
        "validate", "mine.yaml"
    )
