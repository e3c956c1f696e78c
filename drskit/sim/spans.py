"""How long things take in a world: always the same, by chance, or one span for each launch in turn.

Chances come from the world's seed, so a world that is opened twice takes the
same times. A distribution with bounds is cut there, not heaped up on them.
"""

from math import exp, log
from statistics import NormalDist
from typing import Annotated, Any, TypeAlias

from pydantic import Discriminator, Field, Tag, model_validator

from drskit.sim.entry import Entry, Seconds

ALMOST = 1e-9
"""How near a chance comes to 0 and 1, where a distribution without bounds has no value."""


class Uniform(Entry):
    """Any span between two is as likely as any other."""

    uniform: tuple[Seconds, Seconds]
    """The shortest and the longest."""

    @model_validator(mode="after")
    def _in_order(self) -> "Uniform":
        if self.uniform[0] > self.uniform[1]:
            raise ValueError("the first number is the shortest span; write the smaller one first")
        return self

    def at(self, chance: float) -> float:
        """The span of a chance from 0 up to 1."""
        low, high = self.uniform
        return low + (high - low) * chance


class Bounds(Entry):
    """Where a distribution is cut."""

    at_least: Seconds = 0
    at_most: Seconds | None = None

    @model_validator(mode="after")
    def _in_order(self) -> "Bounds":
        if self.at_most is not None and self.at_most <= self.at_least:
            raise ValueError("at_most must be more than at_least")
        return self


class Bell(Bounds):
    """A bell curve."""

    mean: Seconds
    deviation: Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Skew(Bounds):
    """A bell curve of logarithms: mostly near the median, now and then much longer."""

    median: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    sigma: Annotated[float, Field(gt=0, le=5, allow_inf_nan=False)]
    """The deviation of the natural logarithm; 0.5 puts two thirds between 0.6 and 1.65 times the median."""


class Normal(Entry):
    """Spans by a bell curve."""

    normal: Bell

    def at(self, chance: float) -> float:
        """The span of a chance from 0 up to 1."""
        shape = self.normal
        curve = NormalDist(shape.mean, shape.deviation)
        top = 1.0 if shape.at_most is None else curve.cdf(shape.at_most)
        return _within(shape, curve.inv_cdf(_between(curve.cdf(shape.at_least), top, chance)))


class LogNormal(Entry):
    """Spans of which a few are much longer than most."""

    lognormal: Skew

    def at(self, chance: float) -> float:
        """The span of a chance from 0 up to 1."""
        shape = self.lognormal
        curve = NormalDist(0, shape.sigma)
        bottom = curve.cdf(log(shape.at_least / shape.median)) if shape.at_least else 0.0
        top = 1.0 if shape.at_most is None else curve.cdf(log(shape.at_most / shape.median))
        return _within(shape, shape.median * exp(curve.inv_cdf(_between(bottom, top, chance))))


def _between(bottom: float, top: float, chance: float) -> float:
    return min(max(bottom + (top - bottom) * chance, ALMOST), 1 - ALMOST)


def _within(shape: Bounds, seconds: float) -> float:
    longest = seconds if shape.at_most is None else min(seconds, shape.at_most)
    return max(longest, shape.at_least)


DISTRIBUTIONS: dict[str, type[Entry]] = {"uniform": Uniform, "normal": Normal, "lognormal": LogNormal}


def _kind(value: Any) -> str:
    if isinstance(value, dict):
        return f"<{next((name for name in DISTRIBUTIONS if name in value), 'uniform')}>"
    return next((f"<{name}>" for name, kind in DISTRIBUTIONS.items() if isinstance(value, kind)), "<fixed>")


Span: TypeAlias = Annotated[
    Annotated[Seconds, Tag("<fixed>")]
    | Annotated[Uniform, Tag("<uniform>")]
    | Annotated[Normal, Tag("<normal>")]
    | Annotated[LogNormal, Tag("<lognormal>")],
    Discriminator(_kind),
]
Script: TypeAlias = Annotated[
    Annotated[Span, Tag("<one>")] | Annotated[tuple[Span, ...], Tag("<turns>")],
    Discriminator(lambda value: "<turns>" if isinstance(value, list | tuple) else "<one>"),
]
"""One span for every launch, or one for each launch in turn; the last one stays."""


def length(script: Script | None, number: int, chance: float) -> float | None:
    """The seconds that a script means for the launch of this number, counted from 0; None where it says nothing."""
    if isinstance(script, tuple):
        script = script[min(number, len(script) - 1)] if script else 0.0
    return script.at(chance) if isinstance(script, Uniform | Normal | LogNormal) else script
