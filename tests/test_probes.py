"""Questions as they are asked of one server: nothing of a name gets out of its quotes, and answers mean one thing."""

import shlex
import subprocess

import pytest

from drskit.checks import Certificate, Check, CheckKind, Checks, RunFrom, Shell
from drskit.matching import found
from drskit.model import ServerRun
from drskit.probes import Answer, Nameless, ask_of, by_ssm, command_of, first_lines, judged, judged_run
from tests.builders import sid

HOSTILE = 'web\'; touch /tmp/owned; echo $(id) `id` \u2019 \\ \n"x"'


def server(**known):
    """A server whose instance is known."""
    known = {"private_ip": "10.0.0.5", "recovery_instance_id": "i-1", "name": "web-1"} | known
    return ServerRun(source_server_id=sid(1), **known)


def checks_of(check, **more):
    return Checks(all=(check,), **more)


def command(kind, target, *, who=None, shell=Shell.SH, **more):
    check = Check(kind=kind, target=target, **more)
    return command_of(check, checks_of(check, shell=shell), who or server())


def test_a_name_never_gets_out_of_its_quotes():
    """Whatever a tag says stays one word of the command."""
    text = command(CheckKind.SSM, "printf %s {name}", who=server(name=HOSTILE))
    assert shlex.split(text) == ["printf", "%s", HOSTILE]
    done = subprocess.run(["/bin/sh", "-c", text], capture_output=True, text=True, check=True)
    assert done.stdout == HOSTILE


def test_powershell_takes_typographic_quotes_for_quotes():
    """So they are doubled, too."""
    text = command(CheckKind.SSM, "echo {name}", who=server(name="a'b\u2019c"), shell=Shell.POWERSHELL)
    assert text == "echo 'a''b\u2019\u2019c'"


def test_a_name_in_a_url_is_escaped():
    """It cannot become a host, a query or another path."""
    check = Check(kind=CheckKind.HTTP, target="http://{private_ip}:8080/{name}")
    assert ask_of(check, server(name="../a?b#c d")).url == "http://10.0.0.5:8080/..%2Fa%3Fb%23c%20d"


def test_double_braces_and_a_shells_own_stay():
    """Only what is written as a placeholder is one."""
    assert command(CheckKind.SSM, "awk '{{print $1}}' ${HOME} ${name}") == "awk '{print $1}' ${HOME} ${name}"


def test_a_port_is_the_instances_own_or_that_of_an_address():
    """Private, unless something else is written."""
    assert ask_of(Check(kind=CheckKind.TCP, target="8080"), server()).host == "10.0.0.5"
    ask = ask_of(Check(kind=CheckKind.TCP, target="{public_ip}:22"), server(public_ip="54.1.2.3"))
    assert (ask.host, ask.port) == ("54.1.2.3", 22)
    with pytest.raises(Nameless, match="no public_ip is known of it"):
        ask_of(Check(kind=CheckKind.TCP, target="{public_ip}:22"), server())


def test_what_runs_where():
    """The wave says it, or the check; EC2 is always asked from here."""
    tcp, status = Check(kind=CheckKind.TCP, target="80"), Check(kind=CheckKind.EC2_STATUS)
    here = Check(kind=CheckKind.TCP, target="80", run_from=RunFrom.HERE)
    everything = Checks(run_from=RunFrom.SSM, all=(tcp, status, here))
    assert [by_ssm(everything, check) for check in everything.all] == [True, False, False]
    assert by_ssm(checks_of(Check(kind=CheckKind.SSM, target="x")), Check(kind=CheckKind.SSM, target="x"))


@pytest.mark.parametrize("shell", Shell)
def test_a_url_is_asked_by_curl_without_redirects(shell):
    """With the choice about certificates, and the name that is asked for."""
    text = command(
        CheckKind.HTTP, "https://{private_ip}/health", shell=shell, certificate=Certificate.IGNORE, host="shop.example"
    )
    assert " -k " in text
    assert "--connect-to 'shop.example:443:10.0.0.5:443'" in text
    assert "'https://shop.example:443/health'" in text
    assert "-L" not in text


@pytest.mark.parametrize(
    ("check", "answer", "good", "code"),
    [
        ({}, Answer(True, "204", 204), True, "204"),
        ({}, Answer(True, "302", 302, location="https://login/"), False, "302"),
        ({"statuses": (302,)}, Answer(True, "302", 302, location="https://login/"), True, "302"),
        ({}, Answer(False, "refused"), False, "refused"),
        ({"pattern": "U."}, Answer(True, "200", 200, "all UP"), True, "200"),
        ({"pattern": "^UP"}, Answer(True, "200", 200, "all UP"), False, "200, '^UP' not found"),
        ({"pattern": "UP"}, Answer(True, "503", 503, "UP"), False, "503"),
    ],
)
def test_an_answer_means_what_the_plan_says(check, answer, good, code):
    """Status first, then what must be found; a redirect is shown, not followed."""
    finding = judged(Check(kind=CheckKind.HTTP, target="http://x/", **check), answer, found)
    assert (finding.good, finding.code) == (good, code)
    assert answer.location is None or "redirects to https://login/" in finding.text


@pytest.mark.parametrize(
    ("kind", "status", "exit_code", "output", "good", "code"),
    [
        (CheckKind.SSM, "Success", 0, "x", True, "exit 0"),
        (CheckKind.SSM, "Failed", 3, "x", False, "exit 3"),
        (CheckKind.SSM, "TimedOut", -1, "", False, "TimedOut"),
        (CheckKind.INTEGRITY, "Success", 0, "orders 7", True, "exit 0"),
        (CheckKind.TCP, "Failed", 1, "", False, "closed"),
        (CheckKind.TCP, "Success", 0, "", True, "open"),
        (CheckKind.HTTP, "Success", 0, "DRSKIT-HTTP 200\nfine", True, "200"),
        (CheckKind.HTTP, "Failed", 7, "DRSKIT-HTTP 000\n", False, "no answer (curl 7)"),
        (CheckKind.HTTP, "Success", 0, "something else", False, "no answer (curl 0)"),
    ],
)
def test_a_command_means_what_it_was_sent_for(kind, status, exit_code, output, good, code):
    """By its exit code, or by what the probe in it printed."""
    finding = judged_run(Check(kind=kind, target="80"), status, exit_code, output, found)
    assert (finding.good, finding.code) == (good, code)


def test_a_pattern_that_takes_too_long_is_no_yes():
    """It is ended, and named."""
    check = Check(kind=CheckKind.SSM, target="x", pattern="(a+)+$")
    finding = judged_run(check, "Success", 0, "a" * 60 + "!", found)
    assert not finding.good
    assert "took too long to search" in finding.code


def test_the_first_lines_are_those_that_say_something():
    """Five of them."""
    assert first_lines("\n\n a \n\nb\n") == " a\nb"
    assert len(first_lines("\n".join("abcdefgh")).splitlines()) == 5
