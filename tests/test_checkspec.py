"""What a runbook may say of checks: every kind is understood, every wrong use is refused with what to write instead."""

from datetime import timedelta

import pytest

from drskit.checks import Certificate, CheckKind, RunFrom, Shell
from drskit.errors import InvalidRunbook
from drskit.model import digest_of
from drskit.runbook import parse_runbook

BOOK = """\
version: 1
plan: shop
sites: {main: {region: us-west-2}}
groups: {web: {select: {tags: {Role: web}}}}
waves:
  - name: Web
    groups: [web]
"""


def checks_of(text):
    """The checks of a wave, as written."""
    return parse_runbook(f"{BOOK}    checks: {text}\n", source="shop.yaml").plan.waves[0].checks


def complaint(text):
    """The one complaint about checks."""
    with pytest.raises(InvalidRunbook) as caught:
        checks_of(text)
    (found,) = caught.value.complaints
    return found


def test_a_plan_without_checks_has_none():
    """And its digest is what it was before there were any."""
    plan = parse_runbook(BOOK).plan
    assert plan.waves[0].checks is None
    assert "Checks" not in str(plan.model_dump(mode="json", by_alias=True, exclude_defaults=True))
    assert plan.digest == digest_of(plan.model_dump(mode="json", by_alias=True, exclude_defaults=True))


def test_the_documented_example_is_understood():
    """As the design has it."""
    found = checks_of(
        "{run_from: ssm, every: PT30S, timeout: PT15M, "
        'all: [{ec2_status: ok}, {tcp: 8080}, {http: "http://{private_ip}:8080/health"}]}'
    )
    assert (found.run_from, found.every, found.timeout) == (
        RunFrom.SSM,
        timedelta(seconds=30),
        timedelta(minutes=15),
    )
    assert [check.name for check in found.all] == [
        "ec2_status",
        "tcp 8080",
        "http http://{private_ip}:8080/health",
    ]


def test_every_option_is_understood():
    """Each of its kind."""
    found = checks_of(
        "{shell: powershell, retries: 3, all: ["
        '{http: "https://{public_ip}/", status: [200, 204], body: UP, certificate: verify, host: shop.example.com},'
        '{ssm: "sc query {name}", exit_code: 3, output: RUNNING}, {integrity: "count {{x}}"},'
        '{tcp: "{public_ip}:22", run_from: here}]}'
    )
    http, ssm, integrity, tcp = found.all
    assert (found.shell, found.retries) == (Shell.POWERSHELL, 3)
    assert (http.statuses, http.pattern, http.certificate) == ((200, 204), "UP", Certificate.VERIFY)
    assert (http.host, ssm.exit_code, ssm.pattern) == ("shop.example.com", 3, "RUNNING")
    assert (integrity.kind, tcp.run_from) == (CheckKind.INTEGRITY, RunFrom.HERE)


WRONG = {
    "{all: []}": "checks.all: nothing stands here; write at least one check",
    "{}": "checks.all: the key is missing",
    "[{tcp: 80}]": "checks: write keys with values in braces, such as {run_from: …}; its keys are run_from, every,",
    "{all: [{}]}": "checks.all[0]: a check says one of ec2_status, tcp, http, ssm, integrity",
    '{all: [{tcp: 80, http: "http://x"}]}': "only one of ec2_status",
    "{all: [{tcp: 0}]}": "write a port from 1 to 65535",
    "{all: [{tcp: eighty}]}": "write a port from 1 to 65535",
    "{all: [{tcp: 70000}]}": "write a port from 1 to 65535",
    '{all: [{http: "ftp://x/"}]}': "write a URL such as http://{private_ip}:8080/health",
    '{all: [{http: "http://x:0/"}]}': "write a URL such as",
    '{all: [{http: "http://x/\'; rm -rf /"}]}': "write a URL such as",
    '{all: [{http: "http://mira:secret@x/"}]}': "a URL with a password would stand in the tables",
    '{all: [{http: "http://x/health?token=abc"}]}': "a URL with token would stand in the tables",
    '{all: [{http: "https://x/"}]}': "say certificate: verify",
    '{all: [{http: "http://x/", certificate: ignore}]}': "only https has a certificate",
    '{all: [{http: "http://x/", status: 99}]}': "write an HTTP status such as 200",
    '{all: [{http: "http://x/", host: "a b"}]}': "write a host's name",
    '{all: [{http: "http://x/", body: "("}]}': "this is no regular expression: missing )",
    f'{{all: [{{http: "http://x/", body: "{"a" * 201}"}}]}}': "at most 200 characters",
    f'{{all: [{{http: "http://x/", body: "{"(" * 6000}"}}]}}': "at most 200 characters",
    '{all: [{ssm: "echo {nmae}"}]}': "there is no placeholder {nmae}; known are {private_ip}, {public_ip}",
    '{all: [{ssm: " "}]}': "nothing stands here; write what is asked",
    f'{{all: [{{ssm: "{"a" * 1001}"}}]}}': "longer than 1000 characters",
    '{all: [{ssm: "x", exit_code: 256}]}': "less than or equal to 255",
    "{all: [{tcp: 80, body: x}]}": "body belongs to http; remove it",
    '{all: [{http: "http://x/", exit_code: 1}]}': "exit_code belongs to integrity or ssm",
    '{all: [{ssm: "x", run_from: here}]}': "run_from belongs to http or tcp",
    "{all: [{ec2_status: bad}]}": "input should be 'ok'",
    "{all: [{ping: yes}]}": "the key is unknown",
    "{every: PT1S, all: [{tcp: 80}]}": "more often than every five seconds is too often",
    "{every: PT1H, all: [{tcp: 80}]}": "every is longer than timeout",
    "{every: often, all: [{tcp: 80}]}": "this is no ISO-8601 duration",
    "{retries: -1, all: [{tcp: 80}]}": "write a whole number",
    "{run_from: there, all: [{tcp: 80}]}": "input should be 'here' or 'ssm'",
    "{shell: fish, all: [{tcp: 80}]}": "input should be 'sh' or 'powershell'",
    "{all: [{tcp: 80}, {tcp: 80}]}": "checks 1 and 2 are the same: tcp 80",
    f"{{all: [{', '.join(f'{{tcp: {port}}}' for port in range(1, 22))}]}}": "at most 20",
}


@pytest.mark.parametrize("text", WRONG)
def test_each_wrong_use_is_refused_in_its_place(text):
    """With the file, the line, the key and the remedy."""
    found = complaint(text)
    assert found.startswith("shop.yaml:8: waves[0].checks")
    assert WRONG[text] in found
