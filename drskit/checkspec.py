"""What a runbook may say of the checks of a wave.

A check is a mapping with one of the keys that name a kind, and what qualifies
it. Placeholders stand for what is known only once an instance is there; in a
command each is quoted, in a URL escaped, so that no name can break out of it.
"""

import re
from datetime import timedelta
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from drskit.checkplaces import KNOWN, placeholders_of
from drskit.checks import Certificate, Check, CheckKind, Checks, RunFrom, Shell
from drskit.requestspec import secret_asked
from drskit.written import WHOLE, Duration, filled, matching

MOST_CHECKS = 20
"""Of a wave; every answer of every server is kept."""
TARGET_LENGTH = 1_000
PATTERN_LENGTH = 200
EVERY_AT_LEAST = timedelta(seconds=5)
PORT = re.compile(r"(?:(?P<address>[^\s:/]+):)?(?P<port>\d{1,5})")
STATUS = matching(re.compile(r"[1-5]\d\d"), "write an HTTP status such as 200")
HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
OPTIONS = {
    "status": {CheckKind.HTTP},
    "body": {CheckKind.HTTP},
    "certificate": {CheckKind.HTTP},
    "host": {CheckKind.HTTP},
    "run_from": {CheckKind.HTTP, CheckKind.TCP},
    "exit_code": {CheckKind.SSM, CheckKind.INTEGRITY},
    "output": {CheckKind.SSM, CheckKind.INTEGRITY},
}
"""By key: the kinds that it qualifies."""


def _placed(text: str) -> str:
    """A text whose placeholders are all known."""
    unknown = [name for name in placeholders_of(text) if name not in KNOWN]
    if unknown:
        raise PydanticCustomError(
            "placeholder",
            "there is no placeholder {wrong}; known are {known}. For braces themselves write them twice",
            {"wrong": f"{{{unknown[0]}}}", "known": ", ".join(f"{{{name}}}" for name in KNOWN)},
        )
    return text


def _target(value: object) -> object:
    if not isinstance(value, str) or not value.strip():
        raise PydanticCustomError("empty", "nothing stands here; write what is asked")
    if len(value) > TARGET_LENGTH:
        raise PydanticCustomError("long", "this is longer than {most} characters", {"most": TARGET_LENGTH})
    return _placed(value.strip())


def _tcp(value: object) -> object:
    found = PORT.fullmatch(str(_target(value)))
    if not found or not 1 <= int(found["port"]) <= 65_535:
        raise PydanticCustomError("port", "write a port from 1 to 65535, or an address and a port such as 10.0.0.5:443")
    return value


def _http(value: object) -> object:
    text = str(_target(value))
    try:
        address = urlsplit(text)
        named = address.scheme in {"http", "https"} and bool(address.hostname) and address.port != 0
    except ValueError:
        named = False
    if not named or re.search(r"[\s\"'\\<>`\x00-\x1f\x7f]", text):
        raise PydanticCustomError("url", "write a URL such as http://{private_ip}:8080/health")
    if address.username or address.password:
        raise PydanticCustomError("secret", "a URL with a password would stand in the tables; leave it out")
    name = secret_asked(text)
    if name is not None:
        raise PydanticCustomError("secret", "a URL with {name} would stand in the tables; leave it out", {"name": name})
    return text


def _pattern(value: object) -> object:
    text = value if isinstance(value, str) else ""
    if not text or len(text) > PATTERN_LENGTH:
        raise PydanticCustomError(
            "regex", "write a regular expression of at most {most} characters", {"most": PATTERN_LENGTH}
        )
    try:
        re.compile(text)
    except (re.error, OverflowError, RecursionError) as error:
        raise PydanticCustomError(
            "regex", "this is no regular expression: {why}; correct it", {"why": str(error)}
        ) from None
    return text


def _statuses(value: object) -> object:
    return [value] if isinstance(value, str) else value


Pattern = Annotated[str, BeforeValidator(_pattern)]
Command = Annotated[str, BeforeValidator(_target)]


class _Spec(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class CheckSpec(_Spec):
    """One of `checks.all`."""

    ec2_status: Literal["ok"] | None = None
    tcp: Annotated[str, BeforeValidator(_tcp)] | None = None
    http: Annotated[str, BeforeValidator(_http)] | None = None
    ssm: Command | None = None
    integrity: Command | None = None
    status: Annotated[tuple[Annotated[int, Field(), STATUS], ...] | None, BeforeValidator(_statuses)] = None
    body: Pattern | None = None
    certificate: Certificate | None = None
    host: Annotated[str, matching(HOST, "write a host's name such as shop.example.com")] | None = None
    output: Pattern | None = None
    exit_code: Annotated[int, Field(ge=0, le=255), WHOLE] | None = None
    run_from: RunFrom | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        kinds = [kind for kind in CheckKind if getattr(self, kind.value) is not None]
        if len(kinds) != 1:
            said = "one of" if not kinds else "only one of"
            raise PydanticCustomError(
                "kind", "a check says {said} {names}", {"said": said, "names": ", ".join(CheckKind)}
            )
        for key, allowed in OPTIONS.items():
            if getattr(self, key) is not None and kinds[0] not in allowed:
                of = " or ".join(sorted(allowed))
                raise PydanticCustomError("option", "{key} belongs to {of}; remove it", {"key": key, "of": of})
        self._about_certificate()
        return self

    def _about_certificate(self) -> None:
        secure = (self.http or "").startswith("https:")
        if secure and self.certificate is None:
            raise PydanticCustomError(
                "certificate",
                "of https say certificate: verify, perhaps with host, or certificate: ignore; an address alone is in "
                "few certificates",
            )
        if self.certificate is not None and not secure:
            raise PydanticCustomError("certificate", "only https has a certificate; remove it, or write https")

    def check(self) -> Check:
        """What it means."""
        kind = next(kind for kind in CheckKind if getattr(self, kind.value) is not None)
        target = "" if kind is CheckKind.EC2_STATUS else str(getattr(self, kind.value)).strip()
        return Check(
            kind=kind,
            target=target,
            statuses=self.status or (),
            pattern=self.body or self.output,
            certificate=self.certificate,
            host=self.host,
            exit_code=self.exit_code or 0,
            run_from=self.run_from,
        )


def _often(value: timedelta) -> timedelta:
    if value < EVERY_AT_LEAST:
        raise PydanticCustomError("every", "more often than every five seconds is too often; write for example PT30S")
    return value


class ChecksSpec(_Spec):
    """`checks` of a wave."""

    run_from: RunFrom = RunFrom.HERE
    every: Duration = timedelta(seconds=30)
    timeout: Duration = timedelta(minutes=15)
    retries: Annotated[int, Field(ge=0, le=1_000), WHOLE] | None = None
    shell: Shell = Shell.SH
    all: Annotated[tuple[CheckSpec, ...], Field(max_length=MOST_CHECKS), filled("write at least one check")]

    @model_validator(mode="after")
    def _fits(self) -> Self:
        _often(self.every)
        if self.every > self.timeout:
            raise PydanticCustomError("every", "every is longer than timeout, so nothing would be asked twice")
        seen: dict[str, int] = {}
        for number, spec in enumerate(self.all, 1):
            name = spec.check().name
            if name in seen:
                raise PydanticCustomError(
                    "twice",
                    "checks {first} and {second} are the same: {name}. Remove one",
                    {"first": seen[name], "second": number, "name": name},
                )
            seen[name] = number
        return self

    def checks(self) -> Checks:
        """What it means."""
        return Checks(
            run_from=self.run_from,
            every=self.every,
            timeout=self.timeout,
            retries=self.retries,
            shell=self.shell,
            all=tuple(spec.check() for spec in self.all),
        )
