"""What a world file may say about the services that actions ask: automations, functions, topics and web servers.

The first answer that fits is given, and one with `times` only so often. What
nobody wrote an answer for succeeds.
"""

from typing import Annotated, Any, TypeVar

from pydantic import Field

from drskit.sim.entry import Entry, Seconds


class Reaction(Entry):
    """How a service answers some requests."""

    times: Annotated[int, Field(ge=1)] | None = None
    """Only the first so many that fit; then the next answer that fits is given."""


class AutomationAnswer(Reaction):
    """How an SSM Automation goes."""

    document: str | None = None
    """Only of this document."""
    takes: Seconds = 30
    fails: str | None = None
    """Its FailureMessage; None when it succeeds."""
    outputs: dict[str, tuple[str, ...]] = Field(default={})
    unknown: bool = False
    """There is no such document."""


class FunctionAnswer(Reaction):
    """What a Lambda function answers."""

    function: str | None = None
    """Only this function, by its name."""
    answer: Any = None
    """Any JSON; read as text where it is written so."""
    fails: str | None = None
    """The errorMessage of an exception in it."""
    unknown: bool = False
    """There is no such function."""


class HttpAnswer(Reaction):
    """What a web server answers."""

    url: str | None = None
    """Only addresses that begin so."""
    method: str | None = None
    status: Annotated[int, Field(ge=100, le=599)] = 200
    body: str = ""


class TopicAnswer(Reaction):
    """How SNS takes a message."""

    topic: str | None = None
    """Only this topic, by its ARN."""
    unknown: bool = False
    """There is no such topic; every other one that is named exists."""


class Services(Entry):
    """How the services answer that actions ask."""

    automations: tuple[AutomationAnswer, ...] = ()
    functions: tuple[FunctionAnswer, ...] = ()
    http: tuple[HttpAnswer, ...] = ()
    topics: tuple[TopicAnswer, ...] = ()


R = TypeVar("R", bound=Reaction)


class Turns:
    """Which answer of one list is given next."""

    def __init__(self) -> None:
        self._given: dict[int, int] = {}

    def choose(self, answers: tuple[R, ...], usual: R, **asked: str) -> R:
        """The first answer that fits what is asked for and is not used up; the usual one where there is none."""
        for place, answer in enumerate(answers):
            given = self._given.get(place, 0)
            if (answer.times is None or given < answer.times) and all(
                _fits(name, getattr(answer, name), value) for name, value in asked.items()
            ):
                self._given[place] = given + 1
                return answer
        return usual


def _fits(name: str, wanted: str | None, value: str) -> bool:
    if wanted is None:
        return True
    return value.startswith(wanted) if name == "url" else value == wanted
