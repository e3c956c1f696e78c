"""One run of a scenario under some faults, and what is known of it afterwards."""

import traceback
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from drskit.errors import DrskitError
from tests.proof.checker import Violation, outcome
from tests.proof.faults import Fault
from tests.proof.injector import Branch
from tests.proof.scenarios import SCENARIOS, Play
from tests.proof.stage import stage

STRICT_SECONDS = 435
"""What a single fault may cost: the quiescence, and the wait until the next look."""


@dataclass(frozen=True)
class Result:
    """What is known of a run."""

    scenario: str
    faults: tuple[str, ...]
    seed: int = 0
    problems: tuple[str, ...] = ()
    fired: int = 0
    seconds: float = 0
    """Of the world's time, from the start until the last execution ended."""
    virtual_seconds: float = 0
    """Of the world's time in all."""
    calls: int = 0
    jobs: int = 0
    starts: int = 0
    """StartRecovery requests on the wire."""
    intents: int = 0
    outcome: list[Any] = field(default_factory=list)
    trace: str = ""

    @property
    def command(self) -> str:
        """How to repeat it alone."""
        faults = " ".join(f"'{fault}'" for fault in self.faults)
        seed = f" --seed {self.seed}" if self.seed else ""
        return f"python -m tests.proof one{seed} {self.scenario} {faults}".rstrip()

    def to_json(self) -> dict[str, Any]:
        """The result as JSON types."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "Result":
        """A result from what `to_json` made of it."""
        tuples = {"faults": tuple(values["faults"]), "problems": tuple(values["problems"])}
        return cls(**values | tuples)


def planned(faults: tuple[Fault, ...]) -> Branch:
    """Let exactly these faults strike."""
    by_call = {(fault.operation, fault.number): fault for fault in faults}
    return lambda _service, operation, number: by_call.get((operation, number))


def run(scenario_name: str, branch: Branch, *, seed: int = 0) -> Result:
    """Play a scenario to its end and check everything."""
    scenario = SCENARIOS[scenario_name]
    with stage(scenario.world, seed=seed) as place:
        play = Play(place, branch)
        began = place.clock.now()
        known: dict[str, Any] = {}
        problems: tuple[str, ...] = ()
        try:
            scenario.script(play)
            play.settle()
            records = place.checker.end(place.sent, scenario.executions)
            ends = [datetime.fromisoformat(record.header["EndTime"]) for record in records.values()]
            known["seconds"] = (max(ends) - began).total_seconds()
            known["outcome"] = outcome(records)
            known["intents"] = sum(len(record.attempts) for record in records.values())
        except Violation as violation:
            problems = tuple(str(violation).splitlines())
        except (AssertionError, DrskitError, RuntimeError, LookupError, ValueError, TypeError) as error:
            problems = tuple(traceback.format_exception(error)[-4:])
        return Result(
            scenario=scenario_name,
            faults=tuple(map(str, play.injector.fired)),
            seed=seed,
            problems=problems,
            fired=len(play.injector.fired),
            virtual_seconds=(place.clock.now() - began).total_seconds(),
            calls=play.injector.calls,
            jobs=len(place.checker.jobs()),
            starts=sum(one.operation == "StartRecovery" for one in place.sent),
            trace=place.digest(),
            **known,
        )


def judged(result: Result, undisturbed: Result) -> Result:
    """The result with what only a comparison with the undisturbed run shows."""
    problems = list(result.problems)
    if not problems and result.outcome != undisturbed.outcome:
        problems.append(f"false failure: it ended as {result.outcome}, undisturbed as {undisturbed.outcome}")
    delay = added_delay(result, undisturbed)
    if not problems and delay > STRICT_SECONDS:
        problems.append(f"lost: it ended {delay:g} seconds later than undisturbed, and {STRICT_SECONDS} are allowed")
    return Result(**result.to_json() | {"problems": tuple(problems), "faults": result.faults})


def added_delay(result: Result, undisturbed: Result) -> float:
    """By how many seconds the end came later, beyond the time that the process stood still."""
    return max(result.seconds - undisturbed.seconds - frozen_seconds(result), 0)


def frozen_seconds(result: Result) -> int:
    """How long the process stood still."""
    return sum(int(fault.rpartition(":")[2]) for fault in result.faults if " freeze-" in fault)
