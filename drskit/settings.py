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

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from drskit.cadence import Ceilings
from drskit.errors import InvalidInput

FILE = "drskit.toml"
VARIABLES = {
    "DRSKIT_TABLE_PREFIX": "table_prefix",
    "DRSKIT_ENV": "env",
    "DRSKIT_RUNS": "runs",
    "DRSKIT_UI": "ui",
    "DRSKIT_POLL_SECONDS": "poll_seconds",
    "DRSKIT_QUIESCENCE_SECONDS": "quiescence_seconds",
    "DRSKIT_CLOCK_URL": "clock_url",
    "AWS_PROFILE": "profile",
}
REGION_VARIABLES = ("AWS_REGION", "AWS_DEFAULT_REGION")
"""AWS_REGION is honoured although boto3 ignores it."""
TABLE_WORD = re.compile(r"[a-zA-Z0-9_.-]{1,60}")


def _ceilings(value: object) -> object:
    if not isinstance(value, str):
        return value
    parts = [float(part) for part in value.split(",")]
    if len(parts) != 3 or min(parts) <= 0:
        raise ValueError('write three numbers of seconds above 0, such as "15,30,45"')
    return Ceilings(*parts)


class Settings(BaseModel):
    """What a session is made by."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    region: str | None = None
    profile: str | None = None
    table_prefix: Annotated[str, Field(pattern=TABLE_WORD.pattern)] = "drs-orchestration"
    env: Annotated[str, Field(pattern=TABLE_WORD.pattern)] = "dev"
    runs: Path = Path("runs")
    ui: Annotated[str, Field(pattern="^(auto|live|static)$")] = "auto"
    poll_seconds: Annotated[Ceilings, BeforeValidator(_ceilings)] = Ceilings()
    quiescence_seconds: Annotated[float, Field(ge=0, le=86_400)] = 420
    clock_url: str | None = None

    @property
    def quiescence(self) -> timedelta:
        """How old an intent must be before its absence is proof."""
        return timedelta(seconds=self.quiescence_seconds)


def read_settings(environment: Mapping[str, str], folder: Path, **flags: object) -> Settings:
    """Gather the settings.

    Raises:
        InvalidInput: naming where the value stands, the value and what to write.
    """
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
            f"{origin.get(name, name)}: {fault['input']!r}: {fault['msg']}. Correct the setting {name}."
        ) from error


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
