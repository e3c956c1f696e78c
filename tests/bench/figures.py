"""What a benchmark finds."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """A number with what it should be."""

    name: str
    measured: float
    at_most: float | None
    """None where the number is only for the reader."""
    unit: str = ""
    digits: int = 3

    @property
    def met(self) -> bool:
        """Whether it is as it should be."""
        return self.at_most is None or self.measured <= self.at_most

    def __str__(self) -> str:
        measured = f"{self.name}: {self.measured:,.{self.digits}f}{self.unit}"
        if self.at_most is None:
            return measured
        missed = "" if self.met else ", MISSED"
        return f"{measured} ({self.at_most:,g}{self.unit} or less{missed})"
