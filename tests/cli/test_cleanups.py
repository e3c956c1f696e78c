"""cleanup in a terminal, and what the other commands say before and after it."""


def test_a_cleanup_is_shown_asked_for_and_told_everywhere(open_shell):
    """`list` and `show` say what runs until it is gone; then which cleanup terminated it."""
    shell = open_shell()
    drill_id = shell.start("tiny.yaml")
    shell.run("pause", drill_id, "--reason", "lunch")
    shell.run("poll", "--until-idle", code=1)
    shell.run("resume", drill_id, "--reason", "back")
    drill = shell.finish(drill_id)
    count = drill["RunningInstances"]["Count"]
    assert sum(len(wave["Servers"]) for wave in drill["Waves"]) == count > 0
    shown = shell.run("executions", "show", drill_id).stdout
    assert "of this drill still run" in shown
    assert f"drskit cleanup {drill_id} --reason … terminates" in shown
    assert "pause by arn:" in shown
    assert ": lunch  -> " in shown
    cleanup_id = shell.run("cleanup", drill_id, "--reason", "over", "--yes").stdout.strip()
    shell.run("poll", "--until-idle")
    after = shell.json("executions", "show", drill_id)
    assert None is after["RunningInstances"]
    assert {cleanup_id} == {server["TerminatedBy"] for wave in after["Waves"] for server in wave["Servers"]}
    assert f"were terminated by cleanup {cleanup_id}." in shell.run("executions", "show", drill_id).stdout
    assert [None, None] == [found["RunningInstances"] for found in shell.json("executions", "list")]
    report = shell.run("report", cleanup_id, "--format", "md").stdout
    assert f"{count} of {count} instances terminated and gone from DRS and EC2" in report
    assert "Why: over" in report


def test_what_show_prints_is_evidence(open_shell):
    """Saved as a file it can be reported, and verified."""
    shell = open_shell()
    drill_id = shell.start("tiny.yaml")
    shell.finish(drill_id)
    shell.write("execution.json", shell.run("executions", "show", drill_id, "--json").stdout)
    assert "still run, since" in shell.run("report", "execution.json", "--format", "md").stdout
    shell.run("verify", "execution.json")
