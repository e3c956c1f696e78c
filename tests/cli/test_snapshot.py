"""sim snapshot: a world of what an account has."""

import json

from drskit.sim import load_world


def test_an_account_becomes_a_world(open_shell):
    """By flags of its own; the path on stdout, on stderr what was asked and what the file holds."""
    shell = open_shell(tables=False)
    told = shell.run("sim", "snapshot", "--region", "us-west-2", "--output", "kept/w.yaml", "--about", "Ours")
    assert "kept/w.yaml\n" == told.stdout
    assert "Sent only reading calls: 1 DescribeInstances, 1 DescribeJobs" in told.stderr
    assert "The file has the account's names" in told.stderr
    spec = load_world(shell.folder / "kept" / "w.yaml")
    assert ("Ours", "us-west-2") == (spec.about, spec.region)
    assert len(spec.servers) == shell.json("sim", "show", "kept/w.yaml")["Counts"]["Os"]["linux"]
    assert ["w.yaml"] == [entry.name for entry in (shell.folder / "kept").iterdir()]


def test_it_is_pseudonymised_when_asked(open_shell):
    """As JSON where the name says so; the flags before the command count, too."""
    shell = open_shell(tables=False)
    words = ("--region", "us-west-2", "sim", "snapshot", "--output", "w.json", "--pseudonymise")
    told = json.loads(shell.run(*words, "--json").stdout)
    assert ("w.json", 0) == (told["World"], told["Jobs"])
    assert told["Calls"]["GetLaunchConfiguration"] == told["Servers"]
    names = {server["Name"] for server in shell.json("servers", "list")}
    text = (shell.folder / "w.json").read_text()
    assert json.loads(text)["servers"]
    assert [] == [name for name in names if name in text]


def test_an_empty_region_and_no_region_are_refused(open_shell, shell):
    """Each with what to write; no file is left."""
    inside = open_shell(tables=False)
    assert "no source server in eu-west-1" in inside.complaint(
        "sim", "snapshot", "--region", "eu-west-1", "--output", "w.yaml"
    )
    assert "Name the Region of DRS with --region" in shell.complaint("sim", "snapshot", "--output", "w.yaml")
    assert not (shell.folder / "w.yaml").exists()


def test_an_account_that_cannot_be_reached_is_no_empty_one(shell):
    """Exit code 3, and no file."""
    keys = {"AWS_ACCESS_KEY_ID": "simulated", "AWS_SECRET_ACCESS_KEY": "simulated"}
    words = ("sim", "snapshot", "--region", "us-west-2", "--output", "w.yaml")
    nowhere = {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}
    assert "DescribeSourceServers in us-west-2" in shell.complaint(*words, code=3, **keys, **nowhere)
    assert not (shell.folder / "w.yaml").exists()
