"""notify test and sim inbox: whether those who are to be told can be reached, and what reached them."""

import re

TOPIC = "arn:aws:sns:us-west-2:123456789012:dr"
DENIED = {"service": "sns", "operation": "Publish", "kind": "access-denied", "times": 1}


def test_a_test_reaches_everybody_and_stands_in_the_inbox(open_shell):
    """Each target once; one that does not take it is named, and the command ends with 3."""
    shell = open_shell(tables=False)
    shell.write(
        "told.yaml", (shell.folder / "tiny.yaml").read_text() + f"notify: [{{sns: '{TOPIC}'}}, {{events: dr}}]\n"
    )
    assert "Nothing was sent yet." in shell.run("sim", "inbox").stderr
    rows = shell.json("notify", "test", "told.yaml")
    assert [(TOPIC, True), ("dr", True)] == [(row["Target"], row["Taken"]) for row in rows]
    topic, bus = shell.json("sim", "inbox")
    assert [TOPIC, "dr"] == [topic["target"], bus["target"]]
    assert "SIMULATED TEST: tiny: this is a test, and nothing happened" == topic["subject"]
    shown = shell.run("sim", "inbox").stdout
    assert re.match(rf"\d{{4}}-\d\d-\d\d \d\d:\d\d:\d\dZ to {TOPIC} SIMULATED TEST: tiny", shown)
    assert ["dr"] == [letter["target"] for letter in shell.json("sim", "inbox", "--last", "1")]
    shell.server.gateway.add_faults([_fault()])
    result = shell.run("notify", "test", "told.yaml", code=3)
    assert f"1 of 2 targets did not take the test: {TOPIC}" in result.stderr
    assert "AccessDenied" in result.stdout or "UnauthorizedOperation" in result.stdout


def _fault():
    from drskit.sim.spec import Fault

    return Fault.model_validate(DENIED)


def test_there_must_be_somebody_to_test_and_a_world_to_look_into(open_shell, shell):
    """Else the next step is named."""
    assert "names nobody to be told" in open_shell(tables=False).complaint("notify", "test", "tiny.yaml")
    assert "drskit sim serve" in shell.complaint("sim", "inbox")
    told = shell.complaint("sim", "inbox", code=3, DRSKIT_CLOCK_URL="http://127.0.0.1:9/drskit/clock")
    assert "does not answer" in told
