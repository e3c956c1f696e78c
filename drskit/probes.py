"""Probes: a plan's questions as they are asked of one server, and what their answers mean.

Pure. Names and addresses are quoted for the place where they stand; the answer
is judged here alone, wherever it came from.
"""

import re
import shlex
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import quote, urlsplit

from drskit.checkplaces import filled_in
from drskit.checks import Certificate, Check, CheckKind, Checks, RunFrom, Shell
from drskit.model import ServerRun

SECONDS = 5
"""How long one probe of a port or a URL may take."""
COMMAND_SECONDS = 120
"""How long one command of a check may run."""
BODY_BYTES = 16_000
"""How much of an answer is read."""
GOOD = range(200, 300)
HTTP_LINE = re.compile(r"DRSKIT-HTTP (\d{3})\n?")


@dataclass(frozen=True)
class Ask:
    """A probe of a port or a URL, ready to be sent."""

    host: str
    port: int
    url: str | None = None
    """None for a port alone."""
    certificate: Certificate | None = None
    name: str | None = None
    """The name to ask for, where `host` is an address."""


@dataclass(frozen=True)
class Answer:
    """What a probe of a port or a URL came to."""

    open: bool
    """The port took the connection, and a URL was answered."""
    code: str
    """In short: `open`, an HTTP status, or why there was no answer."""
    status: int | None = None
    body: str = ""
    location: str | None = None
    """Where a redirect leads; nobody goes there."""


@dataclass(frozen=True)
class Finding:
    """What was found of one check of one server."""

    good: bool
    code: str
    text: str = ""
    digest: str | None = None
    command_id: str | None = None


class Matcher(Protocol):
    """Whether a pattern is found in a text; None when that could not be told in time."""

    def __call__(self, pattern: str, text: str) -> bool | None:
        """Search."""


class Nameless(LookupError):
    """A placeholder's value is not known; the message says which."""


def by_ssm(checks: Checks, check: Check) -> bool:
    """Whether the check is asked by a command on the instance."""
    if check.kind in {CheckKind.SSM, CheckKind.INTEGRITY}:
        return True
    return check.kind is not CheckKind.EC2_STATUS and (check.run_from or checks.run_from) is RunFrom.SSM


def _values(server: ServerRun) -> dict[str, str]:
    known = {
        "private_ip": server.private_ip,
        "public_ip": server.public_ip,
        "instance_id": server.recovery_instance_id,
        "name": server.name,
        "hostname": server.hostname,
    }
    return {name: value for name, value in known.items() if value}


def _filled(text: str, server: ServerRun, quoted: "Quoting") -> str:
    try:
        return filled_in(text, _values(server), quoted)
    except KeyError as error:
        raise Nameless(f"no {error.args[0]} is known of it") from error


class Quoting(Protocol):
    """Quotes a value for where it stands."""

    def __call__(self, value: str, /) -> str:
        """Quote."""


def ask_of(check: Check, server: ServerRun) -> Ask:
    """The probe of a port or a URL as it is asked of this server.

    Raises:
        Nameless: what a placeholder stands for is not known.
    """
    if check.kind is CheckKind.TCP:
        address, _, port = check.target.rpartition(":")
        return Ask(_filled(address or "{private_ip}", server, str), int(port))
    url = _filled(check.target, server, _escaped)
    parts = urlsplit(url)
    port_number = parts.port or (443 if parts.scheme == "https" else 80)
    return Ask(parts.hostname or "", port_number, url, check.certificate, check.host)


def _escaped(value: str) -> str:
    return quote(value, safe="")


def command_of(check: Check, checks: Checks, server: ServerRun) -> str:
    """The text of the command that asks this check on this server's instance.

    Raises:
        Nameless: what a placeholder stands for is not known.
    """
    quoted = _quoted if checks.shell is Shell.SH else _powershell_quoted
    if check.kind in {CheckKind.SSM, CheckKind.INTEGRITY}:
        return _filled(check.target, server, quoted)
    ask = ask_of(check, server)
    if ask.url is None:
        return _tcp_command(ask, checks.shell, quoted)
    return _http_command(ask, checks.shell, quoted)


def _quoted(value: str) -> str:
    """As shlex does, and always in quotes, so that what is quoted is seen."""
    word = shlex.quote(value)
    return word if word.startswith("'") else f"'{word}'"


def _powershell_quoted(value: str) -> str:
    doubled = re.sub("['\u2018\u2019\u201a\u201b]", lambda found: found[0] * 2, value)
    return f"'{doubled}'"


def _tcp_command(ask: Ask, shell: Shell, quoted: Quoting) -> str:
    if shell is Shell.POWERSHELL:
        wait = SECONDS * 1000
        return (
            f"$c = New-Object Net.Sockets.TcpClient; try {{ if (-not $c.ConnectAsync({quoted(ask.host)}, {ask.port})"
            f".Wait({wait})) {{ exit 1 }} }} catch {{ exit 1 }}"
        )
    return f"timeout {SECONDS} bash -c {quoted(f'</dev/tcp/{ask.host}/{ask.port}')}"


def _http_command(ask: Ask, shell: Shell, quoted: Quoting) -> str:
    """One curl, which every Linux and every Windows Server since 2019 has; it follows no redirect."""
    url, options = str(ask.url), [f"-sS -m {SECONDS}"]
    if ask.certificate is Certificate.IGNORE:
        options.append("-k")
    if ask.name:
        parts = urlsplit(url)
        url = parts._replace(netloc=f"{ask.name}:{ask.port}").geturl()
        options.append(f"--connect-to {quoted(f'{ask.name}:{ask.port}:{ask.host}:{ask.port}')}")
    joined = " ".join(options)
    if shell is Shell.POWERSHELL:
        asked = f"$c = curl.exe {joined} -o $f -w '%{{http_code}}' {quoted(url)}; $r = $LASTEXITCODE; "
        return (
            f"$f = New-TemporaryFile; {asked}"
            'Write-Output "DRSKIT-HTTP $c"; Get-Content $f -TotalCount 40; Remove-Item $f; exit $r'
        )
    return (
        f"b=$(mktemp); c=$(curl {joined} -o \"$b\" -w '%{{http_code}}' {quoted(url)}); r=$?; "
        'echo "DRSKIT-HTTP $c"; head -c 2000 "$b"; rm -f "$b"; exit $r'
    )


# --- what answers mean -----------------------------------------------------------------------------------------------


def judged(check: Check, answer: Answer, found: Matcher) -> Finding:
    """What an answer of a port or a URL means."""
    lines = answer.body
    if answer.location:
        lines = f"redirects to {answer.location}\n{lines}"
    if not answer.open or check.kind is CheckKind.TCP:
        return Finding(answer.open, answer.code, lines)
    good = answer.status in check.statuses if check.statuses else answer.status in GOOD
    if good and check.pattern is not None:
        return _matched(Finding(True, answer.code, lines), check.pattern, answer.body, found)
    return Finding(good, answer.code, lines)


def judged_run(check: Check, status: str, exit_code: int | None, output: str, found: Matcher) -> Finding:
    """What a command that ended means; `status` is Systems Manager's own word."""
    if status not in {"Success", "Failed"} or exit_code is None:
        return Finding(False, status, output)
    if check.kind is CheckKind.TCP:
        return Finding(exit_code == 0, "open" if exit_code == 0 else "closed", output)
    if check.kind is CheckKind.HTTP:
        line = HTTP_LINE.search(output)
        answered = line is not None and line[1] != "000"
        if line is None or not answered:
            return Finding(False, f"no answer (curl {exit_code})", HTTP_LINE.sub("", output))
        body = output[line.end() :]
        return judged(check, Answer(True, line[1], int(line[1]), body), found)
    finding = Finding(exit_code == check.exit_code, f"exit {exit_code}", output)
    if finding.good and check.pattern is not None:
        return _matched(finding, check.pattern, output, found)
    return finding


def _matched(finding: Finding, pattern: str, text: str, found: Matcher) -> Finding:
    hit = found(pattern, text)
    if hit:
        return finding
    why = f"{pattern!r} not found" if hit is False else f"{pattern!r} took too long to search; simplify it"
    return Finding(False, f"{finding.code}, {why}", finding.text)


def first_lines(text: str) -> str:
    """What is kept of an answer's beginning, for people: its first lines that say anything."""
    lines = [line.rstrip() for line in text[:BODY_BYTES].splitlines()]
    return "\n".join([line for line in lines if line][:5])
