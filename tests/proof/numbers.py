"""What a series of runs came to, as the numbers that the README shows."""

from dataclasses import dataclass, field
from datetime import timedelta

from tests.proof.runs import Result, added_delay

SHOWN = 10
"""Failed runs that are shown in full."""


@dataclass
class Numbers:
    """The sum over runs."""

    runs: int = 0
    faults: int = 0
    virtual_seconds: float = 0
    worst_delay: float = 0
    worst: str = ""
    most_sends: int = 0
    failed: list[Result] = field(default_factory=list)

    def add(self, result: Result, undisturbed: Result | None) -> None:
        """Count a run; the delay only where the undisturbed run is known."""
        self.runs += 1
        self.faults += result.fired
        self.virtual_seconds += result.virtual_seconds
        if result.problems:
            self.failed.append(result)
            return
        self.most_sends = max(self.most_sends, result.sends)
        if undisturbed is not None and added_delay(result, undisturbed) > self.worst_delay:
            self.worst_delay = added_delay(result, undisturbed)
            self.worst = result.command

    def count(self, word: str) -> int:
        """How many runs were found to have this kind of problem."""
        return sum(any(problem.startswith(word) for problem in result.problems) for result in self.failed)

    def table(self) -> str:
        """The numbers, a line each."""
        days = timedelta(seconds=round(self.virtual_seconds)) / timedelta(days=1)
        words = ("duplicate", "orphan", "lost", "false failure")
        other = sum(not any(problem.startswith(words) for problem in result.problems) for result in self.failed)
        rows = {
            "runs": f"{self.runs:,}",
            "faults": f"{self.faults:,}",
            "virtual time": f"{days:,.1f} days",
            "duplicates": self.count("duplicate"),
            "orphans": self.count("orphan"),
            "lost": self.count("lost"),
            "false failures": self.count("false failure"),
            "other violations": other,
            "worst added delay": f"{self.worst_delay:g} s",
            "wire requests per start": self.most_sends,
        }
        return "\n".join(f"{name}: {value}" for name, value in rows.items())

    def complaints(self) -> str:
        """The runs that failed, with what was found and how to repeat each alone."""
        parts = [
            "\n".join([f"{result.command}", *(f"    {problem.strip()}" for problem in result.problems)])
            for result in self.failed[:SHOWN]
        ]
        if len(self.failed) > SHOWN:
            parts.append(f"and {len(self.failed) - SHOWN} more")
        return "\n".join(parts)
