"""edit: what is recorded, told and refused."""

from tests.sim.lab import server_id


def test_an_edit_is_recorded_and_told(open_shell):
    """Each change is a line; the next poll carries it out, and the execution keeps both plans."""
    shell = open_shell()
    execution_id = shell.start("tiny.yaml")
    words = ("edit", execution_id, "--wave", "Two", "--set", "timeout: PT2H", "--set", "approve: Is it up?")
    told = shell.run(*words, "--reason", "slow disks").stdout
    assert f"edit of wave Two is recorded. The next poll of {execution_id} carries it out:" in told
    assert "  timeout: PT2H, not PT1H30M" in told
    given = shell.json("edit", execution_id, "--wave", "Two", "--set", "max_failed: 1", "--reason", "one may fail")
    assert ("edit", "Two", 1) == (given["Kind"], given["WaveName"], given["Edit"]["Wave"]["MaxFailed"])
    assert "PT2H" == given["Edit"]["Wave"]["Timeout"]
    shell.run("poll", "--until-idle", code=1)
    shown = shell.json("executions", "show", execution_id)
    assert ("PT1H30M", "PT2H") == tuple(shown[plan]["Waves"][1]["Timeout"] for plan in ("Applied", "Plan"))
    assert "wave Two: max_failed: 1, not 0" in shown["Commands"][1]["Answer"]
    assert "approval of wave Two: Is it up?" in shown["WaitingFor"]
    assert "Edited while it ran" in shell.run("executions", "show", execution_id).stdout


def test_wrong_edits_are_named(open_shell):
    """With the value and the remedy."""
    shell = open_shell()
    execution_id = shell.start("tiny.yaml")
    for words, said in {
        ("--wave", "Two"): "Nothing is named to change",
        ("--set", "timeout: PT2H"): "Add --wave NAME",
        ("--wave", "Two", "--set", "timeout: soon"): "timeout: 'soon'",
        ("--wave", "Two", "--set", "groups: [a]"): "'groups' of a wave cannot be edited",
        ("--wave", "Two", "--remove", server_id(2)): "skip leaves a wave out",
        ("--wave", "Two", "--add", server_id(9)): "is in no protection group of plan tiny",
    }.items():
        assert said in shell.complaint("edit", execution_id, *words, "--reason", "why")
