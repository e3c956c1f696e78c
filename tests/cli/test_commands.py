"""approve, decline, pause, resume, cancel, retry and skip in a terminal."""

from tests.cli.plans import runbook
from tests.sim.lab import server_id


def test_a_pause_and_a_skip_of_a_server_are_recorded_obeyed_and_shown(open_shell):
    """Who waits for what is named; the server that was left out makes the drill PARTIAL."""
    shell = open_shell()
    execution_id = shell.json("start", "tiny.yaml")["ExecutionId"]
    assert f"pause is recorded. The next poll of {execution_id} obeys it.\n" == (
        shell.run("pause", execution_id, "--reason", "lunch").stdout
    )
    shell.run("poll", "--until-idle", code=1)
    shown = shell.json("executions", "show", execution_id)
    assert "PAUSED" == shown["Status"]
    assert shown["WaitingFor"].endswith(": lunch)")
    skipped = shell.json("skip", execution_id, "--server", server_id(1), "--reason", "being rebuilt")
    assert ("skip", [server_id(1)], None) == (skipped["Kind"], skipped["ServerIds"], skipped["WaveName"])
    assert "is paused already" in shell.complaint("pause", execution_id, "--reason", "lunch")
    shell.run("resume", execution_id, "--reason", "back")
    shell.run("poll", "--until-idle", code=1)
    assert "PARTIAL" == shell.json("executions", "show", execution_id)["Status"]
    shell.run("retry", execution_id, "--server", server_id(1), "--reason", "it is built")
    shell.run("poll", "--until-idle")
    assert "COMPLETED" == shell.json("executions", "show", execution_id)["Status"]


def test_a_decline_ends_the_drill_and_says_how_to_clean_up(open_shell):
    """The answer is in what `show` prints."""
    shell = open_shell()
    shell.write("ask.yaml", runbook(approve="Look."))
    execution_id = shell.json("start", "ask.yaml")["ExecutionId"]
    shell.run("poll", "--until-idle", code=1)
    shell.run("decline", execution_id, "--wave", "One", "--reason", "not today")
    shell.run("poll", "--until-idle", code=1)
    assert "CANCELLED" == shell.json("executions", "show", execution_id)["Status"]
    said = shell.complaint("retry", execution_id, "--reason", "after all")
    assert f"Execution {execution_id} is CANCELLED; nothing is left to retry." in said
