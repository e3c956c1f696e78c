"""Settings: by flag, then `DRSKIT_*`, then `drskit.toml`.

Read from a mapping that the session hands over; AWS's own settings stay with
the SDK's variables and profiles.
"""

import re
import tomllib
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError
from pydantic_core import PydanticCustomError

from drskit.cadence import Ceilings
from drskit.errors import InvalidInput

FILE = "drskit.toml"
VARIABLES = {
    "DRSKIT_TABLE_PREFIX": "table_prefix",
    "DRSKIT_ENV": "env",
    "DRSKIT_RUNS": "runs",
    "DRSKIT_UI": "ui",
    "DRSKIT_ATTENDED": "attended",
    "DRSKIT_POLL_SECONDS": "poll_seconds",
    "DRSKIT_QUIESCENCE_SECONDS": "quiescence_seconds",
    "DRSKIT_CLOCK_URL": "clock_url",
    "DRSKIT_CHROMIUM": "chromium",
    "DRSKIT_USER": "user",
    "DRSKIT_QUEUE_URL": "queue_url",
    "AWS_PROFILE": "profile",
}
REGION_VARIABLES = ("AWS_REGION", "AWS_DEFAULT_REGION")
"""AWS_REGION is honoured although boto3 ignores it."""
TABLE_WORD = re.compile(r"[a-zA-Z0-9_.-]{1,60}")
REGION = re.compile(r"[a-z]{2,5}(-[a-z]+)+-\d{1,2}")
ADDRESS = re.compile(r"https?://[^\s/]+(/\S*)?")
USER = re.compile(r"[\w+=,.@-]{1,64}|arn:aws[a-z-]*:(iam|sts)::\d{12}:[\w+=,.@/-]{1,200}", re.ASCII)
FACES = ("auto", "live", "static")
MOST_SECONDS = 86_400.0
STRICT_SECONDS = 330.0
"""The least quiescence that is proof: AWS accepts a signature for 300 seconds, and listings may lag by 30."""


def _matching(pattern: re.Pattern[str], remedy: str) -> BeforeValidator:
    def check(value: object) -> object:
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise PydanticCustomError("setting", "{remedy}", {"remedy": remedy})
        return value

    return BeforeValidator(check)


def _ceilings(value: object) -> object:
    if isinstance(value, Ceilings):
        return value
    try:
        parts = [float(part) for part in (value.split(",") if isinstance(value, str) else value)]  # type: ignore[attr-defined]  # what is no list is refused below
    except (TypeError, ValueError):
        parts = []
    if len(parts) != 3 or not all(0 < part <= MOST_SECONDS for part in parts):
        raise PydanticCustomError("setting", 'write three numbers of seconds above 0, such as "15,30,45"')
    return Ceilings(*parts)


def _quiescence(value: object) -> object:
    try:
        seconds = float(value)  # type: ignore[arg-type]  # what is no number is refused below
    except (TypeError, ValueError):
        seconds = -1
    if not 0 <= seconds <= MOST_SECONDS:
        raise PydanticCustomError("setting", "write a number of seconds, such as 420")
    return seconds


TableWord = Annotated[
    str, _matching(TABLE_WORD, "write at most 60 letters, digits, dots, dashes and underscores, such as dev")
]
RegionName = Annotated[str, _matching(REGION, "write an AWS Region such as us-west-2")]
Address = Annotated[str, _matching(ADDRESS, "write an address such as http://127.0.0.1:5000/drskit/clock, or unset it")]


UserName = Annotated[str, _matching(USER, "write a name such as mira, or the ARN of a user or an assumed role")]


class Settings(BaseModel):
    """What a session is made by."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    region: RegionName | None = None
    profile: str | None = None
    table_prefix: TableWord = "drs-orchestration"
    env: TableWord = "dev"
    runs: Path = Path("runs")
    ui: Annotated[str, _matching(re.compile("|".join(FACES)), f"write one of {', '.join(FACES)}")] = "auto"
    attended: bool = False
    """Whether whoever runs the notebook sees to the cleanup afterwards, so that the notebook leaves it alone."""
    poll_seconds: Annotated[Ceilings, BeforeValidator(_ceilings)] = Ceilings()
    quiescence_seconds: Annotated[float, BeforeValidator(_quiescence)] = 420
    clock_url: Address | None = None
    chromium: str | None = None
    """The program that prints reports as PDF; the first Chromium or Chrome on PATH when absent."""
    user: UserName | None = None
    """Who somebody is in a simulated world; AWS says it for real."""
    queue_url: Address | None = None
    """The SQS queue in which the finder asks for looks, where AWS runs it."""

    @property
    def quiescence(self) -> timedelta:
        """How old an intent must be before its absence is proof."""
        return timedelta(seconds=self.quiescence_seconds)

    @property
    def weakness(self) -> str | None:
        """What is weaker than strict about the launch protocol by these settings; None when nothing is."""
        if self.quiescence_seconds >= STRICT_SECONDS:
            return None
        return (
            f"DRSKIT_QUIESCENCE_SECONDS is {self.quiescence_seconds:g}, which is weaker than strict: AWS may carry a "
            f"request out for 300 s after its signing, and its listings may lag by 30 s. Below {STRICT_SECONDS:g} a "
            "launch whose reply was lost may be repeated while the first request is still under way, and only DRS's "
            "refusal of busy servers stands against a second job. Leave it at 420, or choose --fast for one drill."
        )


def read_settings(environment: Mapping[str, str], folder: Path, **flags: object) -> Settings:
    """Gather the settings.

    Raises:
        InvalidInput: naming where the value stands, the value and what to write.
    """
    _check_endpoints(environment)
    origin: dict[str, str] = {}
    values: dict[str, Any] = {}
    for name, value in _from_file(folder / FILE).items():
        values[name], origin[name] = value, str(folder / FILE)
    for variable, name in VARIABLES.items():
        if environment.get(variable):
            values[name], origin[name] = environment[variable], variable
    for variable in reversed(REGION_VARIABLES):
        if environment.get(variable):
            values["region"], origin["region"] = environment[variable], variable
    for name, flag in flags.items():
        if flag is not None:
            values[name], origin[name] = flag, f"--{name.replace('_', '-')}"
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        fault = error.errors()[0]
        name = str(fault["loc"][0])
        raise InvalidInput(
            f"{origin.get(name, name)}: {fault['input']!r} cannot be the setting {name}: {fault['msg']}."
        ) from error


def _check_endpoints(environment: Mapping[str, str]) -> None:
    """The SDK's own variables, asked early: the SDK's complaint names none of them."""
    for variable, value in environment.items():
        if variable.startswith("AWS_ENDPOINT_URL") and value and not ADDRESS.fullmatch(value):
            raise InvalidInput(f"{variable}: {value!r} is no address. Write for example http://127.0.0.1:5000.")


def _from_file(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{path}: this is not valid TOML: {error}. Mend the file.") from error
    unknown = sorted(set(values) - set(Settings.model_fields))
    if unknown:
        known = ", ".join(Settings.model_fields)
        raise InvalidInput(f"{path}: {unknown[0]}: the key is unknown. Known: {known}.")
    return values
