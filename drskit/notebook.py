"""What every notebook begins with: its parameters checked, a world entered, who is there; and what a cell says.

Papermill passes "no" as a string and a misspelt name with a warning only, and
other runners pass lists as words between commas.
"""

import json
from html import escape
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from drskit.errors import DrskitError, InvalidInput
from drskit.session import Session, environment
from drskit.views.words import printable

P = TypeVar("P", bound=BaseModel)


def checked(model: type[P], parameters: dict[str, object]) -> P:
    """A notebook's parameters.

    Raises:
        InvalidInput: one is unknown or not valid.
    """
    try:
        return model.model_validate(parameters)
    except ValidationError as error:
        faults = [
            f"{'.'.join(map(str, fault['loc']))} = {fault['input']!r}: {fault['msg']}" for fault in error.errors()
        ]
        raise InvalidInput(f"The notebook's parameters are not valid: {'; '.join(faults)}.") from error


def listed(value: object) -> object:
    """A list as runners pass it: JSON, or words between commas."""
    if not isinstance(value, str):
        return value
    try:
        found = json.loads(value)
    except ValueError:
        found = [word.strip() for word in value.split(",") if word.strip()]
    return found if isinstance(found, list) else value


def mapped(value: object) -> object:
    """A mapping of texts as runners pass it: JSON; an empty text is none, and what is no text becomes its JSON."""
    if isinstance(value, str):
        try:
            value = json.loads(value) if value.strip() else {}
        except ValueError:
            return value
    if not isinstance(value, dict):
        return value
    return {key: part if isinstance(part, str) else json.dumps(part) for key, part in value.items()}


def enter(world: Path | None) -> Session:
    """A session in a simulated world, with tables made, or with None in AWS.

    Raises:
        WorldUnreachable: the world that the environment names does not answer.
        Refused: that is no world.
    """
    from drskit.simulation import attach_or_start, attached, leave

    leave(environment())
    if world is not None and not attached(environment()):
        settings = Session.open().settings
        attach_or_start(world, 0, environment(), runs=settings.runs, outlive=person_is_there(settings.ui))
    return Session.open()


def person_is_there(choice: str) -> bool:
    """Whether a person's front end is attached.

    To be asked in a cell: what a button calls cannot tell.
    """
    from drskit.views.panels import is_live

    return is_live(choice, _shell())


def _shell() -> Any:
    try:
        from IPython import get_ipython
    except ImportError:
        return None
    return get_ipython()


class Told:
    """What a cell came to: a sentence, HTML for notebooks, and the error if there was one."""

    def __init__(self, text: str, html: str | None = None, error: DrskitError | None = None) -> None:
        self.text = text
        self.error = error
        self._html = html

    def __repr__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        from drskit.views.board import boxed
        from drskit.views.notices import alert

        if self.error is not None:
            return alert(self.text)
        return boxed([self._html or f'<p style="margin:2px 0">{escape(printable(self.text))}</p>'])
