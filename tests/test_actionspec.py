"""What a runbook may say about actions, and how each wrong use of them is refused."""

import json

import pytest

from drskit.actions import ActionMode, Call, Secret
from drskit.errors import InvalidRunbook
from drskit.model import OnFailure
from drskit.runbook import parse_runbook

RUNBOOK = """version: 1
plan: shop
sites: {main: {region: us-west-2}}
groups:
  web: {select: {tags: {Tier: web}}}
waves:
  - name: Web
    groups: [web]
    PLACE:
      - ACTION
"""
AT_END = RUNBOOK.replace("    PLACE:\n      - ACTION\n", "finally:\n  - ACTION\n")


def parsed(action, place="after"):
    """The one action of a runbook."""
    plan = parse_runbook(RUNBOOK.replace("PLACE", place).replace("ACTION", action), source="shop.yaml").plan
    return (plan.waves[0].before or plan.waves[0].after)[0]


def complaint(action, place="after"):
    """What is said of it, after the file and the line of the action."""
    text = AT_END if place == "finally" else RUNBOOK.replace("PLACE", place)
    with pytest.raises(InvalidRunbook) as fault:
        parse_runbook(text.replace("ACTION", action), source="shop.yaml")
    (found,) = fault.value.complaints
    line = text.splitlines().index(next(one for one in text.splitlines() if "- ACTION" in one)) + 1
    assert found.startswith(f"shop.yaml:{line}: "), found
    return found.removeprefix(f"shop.yaml:{line}: ")


def test_every_key_of_an_action_is_understood():
    """Nothing of it is lost on the way into the model."""
    found = parsed(
        "{ssm_automation: {document: WarmCache, version: 3, parameters: {Plan: '{plan}', Ids: ['{instance_ids}']}}, "
        "modes: [DRILL], name: warm, timeout: PT10M, retries: 2, retry_after: PT1M, on_failure: pause, "
        "repeatable: true}"
    )
    assert ("warm", (ActionMode.DRILL,), 600, 2, 60, OnFailure.PAUSE, True) == (
        found.title, found.modes, found.timeout.total_seconds(), found.retries, found.retry_after.total_seconds(),
        found.on_failure, found.repeatable,
    )  # fmt: skip
    assert ("WarmCache", "3", {"Plan": ("{plan}",), "Ids": ("{instance_ids}",)}) == (
        found.does.document, found.does.version, found.does.parameters,
    )  # fmt: skip


def test_a_header_s_secret_is_a_name():
    """Its value is in the Parameter Store; other headers are what they say."""
    found = parsed(
        "{http: {url: 'https://cmdb.example.com/a?b={wave}', method: PUT, "
        "headers: {Authorization: {parameter: /dr/token}, X-Team: '{plan}'}, "
        "body: {hosts: ['{private_ips}']}, expect: 201}, modes: [DRILL, RECOVERY]}"
    ).does
    assert isinstance(found, Call)
    assert {"Authorization": Secret(parameter="/dr/token")} == found.secrets
    assert {"X-Team": "{plan}"} == found.headers
    assert ({"hosts": ["{private_ips}"]}, (201,)) == (json.loads(found.body), found.expect)


def test_a_digest_knows_every_action():
    """A plan that does something else is another plan."""
    one = parse_runbook(RUNBOOK.replace("PLACE", "before").replace("ACTION", "{wait: PT1M, modes: [DRILL]}"))
    two = parse_runbook(RUNBOOK.replace("PLACE", "before").replace("ACTION", "{wait: PT2M, modes: [DRILL]}"))
    assert one.digest != two.digest


SOME = "modes: [DRILL]"
REFUSED = {
    "no modes": (
        "{wait: PT1M}",
        "after",
        "waves[0].after[0].modes: the key is missing; add it.",
    ),
    "empty modes": (
        "{wait: PT1M, modes: []}",
        "after",
        "waves[0].after[0].modes: nothing stands here; say in which executions it runs: [DRILL], [RECOVERY] or",
    ),
    "another mode": (
        "{wait: PT1M, modes: [CLEANUP]}",
        "after",
        "waves[0].after[0].modes[0]: 'CLEANUP': input should be",
    ),
    "nothing": (
        f"{{{SOME}}}",
        "after",
        "waves[0].after[0]: an action does exactly one thing, and this one does nothing",
    ),
    "two things": (
        f"{{wait: PT1M, lambda: {{function: shift}}, {SOME}}}",
        "after",
        "waves[0].after[0]: an action does exactly one thing, and this one does wait and lambda: write one of",
    ),
    "an unknown key": (
        f"{{wait: PT1M, {SOME}, retry: 2}}",
        "after",
        "waves[0].after[0].retry: the key is unknown",
    ),
    "a wait of nothing": (
        f"{{wait: PT0S, {SOME}}}",
        "after",
        "waves[0].after[0].wait: 'PT0S': the duration must be",
    ),
    "a wait that fails": (
        f"{{wait: PT1M, on_failure: stop, {SOME}}}",
        "after",
        "waves[0].after[0].on_failure: a wait cannot fail, so it has no on_failure; remove the key.",
    ),
    "a wait with a timeout": (
        f"{{wait: PT1M, timeout: PT2M, {SOME}}}",
        "after",
        "waves[0].after[0].timeout: a wait cannot fail, so it has no",
    ),
    "a wait twice": (
        f"{{wait: PT1M, repeatable: true, {SOME}}}",
        "after",
        "waves[0].after[0].repeatable: a wait is never",
    ),
    "no document": (
        f"{{ssm_automation: {{}}, {SOME}}}",
        "after",
        "waves[0].after[0].ssm_automation.document: the key is",
    ),
    "a pause of no retries": (
        f"{{lambda: {{function: shift}}, retry_after: PT1M, {SOME}}}",
        "after",
        "waves[0].after[0].retry_after: nothing is run again without retries; add retries: 3, or remove the key.",
    ),
    "a long call": (
        f"{{lambda: {{function: shift}}, timeout: PT5M, {SOME}}}",
        "after",
        "waves[0].after[0].timeout: a call is waited for at most PT1M",
    ),
    "an event": (
        f"{{lambda: {{function: shift, event: true}}, {SOME}}}",
        "after",
        "waves[0].after[0].lambda.event: Lambda may deliver an event more than once; add repeatable: true",
    ),
    "a payload": (
        f"{{lambda: {{function: shift, payload: '{{'}}, {SOME}}}",
        "after",
        "waves[0].after[0].lambda: the payload is no JSON; write a mapping",
    ),
    "a topic": (
        f"{{sns: dr, {SOME}}}",
        "after",
        "waves[0].after[0].sns: 'dr': write the ARN of a topic",
    ),
    "a literal secret": (
        f"{{http: {{url: 'https://x.example.com', headers: {{authorization: Bearer abc}}}}, {SOME}}}",
        "after",
        "waves[0].after[0].http: no secret stands in a runbook; put the value of authorization into the SSM Parameter",
    ),
    "a secret in a URL": (
        f"{{http: {{url: 'https://me:abc@x.example.com'}}, {SOME}}}",
        "after",
        "waves[0].after[0].http.url: 'https://me:abc@x.example.com': no secret stands in a runbook",
    ),
    "a secret in a query": (
        f"{{http: {{url: 'https://x.example.com/a?wave=1&api_key=abc'}}, {SOME}}}",
        "after",
        "waves[0].after[0].http.url: 'https://x.example.com/a?wave=1&api_key=abc': no secret stands in a runbook",
    ),
    "a header beyond Latin-1": (
        f"{{http: {{url: 'https://x.example.com', headers: {{X-Team: 東京}}}}, {SOME}}}",
        "after",
        "waves[0].after[0].http: the value of X-Team does not fit into a header",
    ),
    "a topic of no Region": (
        f"{{sns: 'arn:aws:sns:uswest:123456789012:dr', {SOME}}}",
        "after",
        "waves[0].after[0].sns: 'arn:aws:sns:uswest:123456789012:dr': write the ARN of a topic",
    ),
    "another host": (
        f"{{http: {{url: 'https://{{wave}}.example.com'}}, {SOME}}}",
        "after",
        "waves[0].after[0].http.url: ",
    ),
    "no URL": (
        f"{{http: {{url: x.example.com}}, {SOME}}}",
        "after",
        "waves[0].after[0].http.url: 'x.example.com': write a",
    ),
    "a body of a GET": (
        f"{{http: {{url: 'https://x.example.com', method: GET, body: a}}, {SOME}}}",
        "after",
        "waves[0].after[0].http: a request by GET sends no body; remove it.",
    ),
    "a status": (
        f"{{http: {{url: 'https://x.example.com', expect: ok}}, {SOME}}}",
        "after",
        "waves[0].after[0].http.expect: 'ok': write HTTP statuses such as [200, 204].",
    ),
    "no commands": (
        f"{{ssm_command: {{}}, {SOME}}}",
        "after",
        "waves[0].after[0].ssm_command: write the commands to run",
    ),
    "commands on nothing": (
        f"{{ssm_command: {{commands: ls}}, {SOME}}}",
        "before",
        "waves[0].before[0].ssm_command: before a wave it has no instances of its own; add on: {groups: […]}",
    ),
    "commands on nothing at the end": (
        f"{{ssm_command: {{commands: ls}}, {SOME}}}",
        "finally",
        "finally[0].ssm_command: at the end of the plan it has no instances of its own",
    ),
    "commands on no group": (
        f"{{ssm_command: {{commands: ls, on: {{groups: [db]}}}}, {SOME}}}",
        "after",
        "waves[0].after[0].ssm_command.on.groups[0]: there is no group 'db'. Known: web.",
    ),
    "commands here and there": (
        f"{{ssm_command: {{commands: ls, on: {{groups: [web], instances: [i-0123456789abcdef0]}}}}, {SOME}}}",
        "after",
        "waves[0].after[0].ssm_command.on: write either groups or instances, with at least one entry.",
    ),
    "a placeholder of nothing": (
        f"{{lambda: {{function: shift, payload: {{to: '{{wafe}}'}}}}, {SOME}}}",
        "after",
        "waves[0].after[0].lambda: {wafe} stands for nothing after a wave. Known: {plan}, {type}, ",
    ),
    "an instance before the launch": (
        f"{{lambda: {{function: shift, payload: {{to: '{{instance_ids}}'}}}}, {SOME}}}",
        "before",
        "waves[0].before[0].lambda: {instance_ids} stands for nothing before a wave.",
    ),
    "a wave at the end": (
        f"{{sns: {{topic: 'arn:aws:sns:us-west-2:123456789012:dr', message: '{{wave}}'}}, {SOME}}}",
        "finally",
        "finally[0].sns: {wave} stands for nothing at the end of the plan.",
    ),
    "a list where it is yes or no": (
        f"{{lambda: {{function: shift}}, repeatable: [true], {SOME}}}",
        "after",
        "waves[0].after[0].repeatable: write true or false.",
    ),
    "too many retries": (
        f"{{lambda: {{function: shift}}, retries: 11, {SOME}}}",
        "after",
        "waves[0].after[0].retries: ",
    ),
}


@pytest.mark.parametrize("fault", REFUSED)
def test_each_wrong_use_is_refused_alone(fault):
    """With the file, the line, the key, and what to write instead."""
    action, place, expected = REFUSED[fault]
    assert expected in complaint(action, place)


def test_a_list_of_no_actions_says_so():
    """A key that stands there says something."""
    with pytest.raises(InvalidRunbook, match="write at least one action, or remove the key"):
        parse_runbook(RUNBOOK.replace("PLACE:\n      - ACTION", "before: []"))
