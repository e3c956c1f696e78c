"""One run of a scenario under some faults, and what is known of it afterwards."""

import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from drskit.errors import DrskitError
from tests.proof.checker import TAG, Sent, Violation, outcome
from tests.proof.faults import Fault
from tests.proof.injector import Branch
from tests.proof.scenarios import SCENARIOS, Play
from tests.proof.stage import stage
from tests.proof.told import untold

STRICT_SECONDS = 435
"""What a fault may cost: the quiescence, and the wait until the next look."""


@dataclass(frozen=True)
class Result:
    """What is known of a run."""

    scenario: str
    faults: tuple[str, ...]
    command: str = ""
    """How to repeat it alone."""
    problems: tuple[str, ...] = ()
    fired: int = 0
    seconds: float = 0
    """Of the world's time, from the start until the last execution ended."""
    virtual_seconds: float = 0
    """Of the world's time in all."""
    calls: int = 0
    jobs: int = 0
    sends: int = 0
    """The most StartRecovery requests that went over the wire for one attempt."""
    too_late: bool = False
    """Whether a command came when nothing was left to command."""
    outcome: list[Any] = field(default_factory=list)
    trace: str = ""

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
    return lambda call: by_call.get((call.operation, call.number))


def alone(scenario_name: str, faults: tuple[str, ...], seed: int) -> str:
    """The command that repeats a run of exactly these faults."""
    quoted = " ".join(f"'{fault}'" for fault in faults)
    return f"python -m tests.proof one{f' --seed {seed}' if seed else ''} {scenario_name} {quoted}".rstrip()


def run(
    scenario_name: str,
    branch: Branch,
    *,
    seed: int = 0,
    workers: int = 1,
    command: str = "",
    ended: Callable[[Result], None] = lambda _: None,
) -> Result:
    """Play a scenario to its end and check everything.

    Args:
        scenario_name: a key of `SCENARIOS`.
        branch: decides what each call meets.
        seed: makes ids, the SDK's waits and the turns of workers.
        workers: how many processes take turns.
        command: how to repeat the run; made from its faults when left out.
        ended: told of the result while the stage still stands; a child leaves then and spares itself the tidying.

    Raises:
        BaseException: what breaks the play off and is no result, with how to repeat it in a note.
    """
    scenario = SCENARIOS[scenario_name]
    with stage(scenario.world, seed=seed) as place:
        place.checker.executions = scenario.executions
        play = Play(place, branch, workers=workers)
        began = place.clock.now()
        known: dict[str, Any] = {}
        problems: tuple[str, ...] = ()
        try:
            scenario.script(play)
            play.settle()
            with place.clear_sight():
                records = place.checker.end(place.sent, scenario.executions, play.given)
            problems = tuple(untold(records, place.gateway.inbox.to_json()))
            known["outcome"] = outcome(records)
            if scenario.ends and not play.injector.fired:
                problems += tuple(_otherwise(scenario.ends, known["outcome"]))
            ends = [datetime.fromisoformat(record.header["EndTime"]) for record in records.values()]
            known["seconds"] = (max(ends) - began).total_seconds()
            known["jobs"] = len(place.checker.jobs())
        except Violation as violation:
            problems = tuple(str(violation).splitlines())
        except (AssertionError, DrskitError, RuntimeError, LookupError, ValueError, TypeError) as error:
            problems = tuple(traceback.format_exception(error)[-4:])
        except BaseException as error:
            error.add_note(f"to repeat it: {command or alone(scenario_name, _fired(play), seed)}")
            raise
        faults = _fired(play)
        result = Result(
            scenario=scenario_name,
            faults=faults,
            command=command or alone(scenario_name, faults, seed),
            problems=problems,
            fired=len(play.injector.fired),
            virtual_seconds=(place.clock.now() - began).total_seconds(),
            calls=play.injector.calls,
            too_late=play.too_late,
            sends=max(_starts(place.sent).values(), default=0),
            trace=place.digest(),
            **known,
        )
        ended(result)
        return result


def _fired(play: Play) -> tuple[str, ...]:
    """The faults that a run has met so far."""
    return tuple(map(str, play.injector.fired))


def _starts(sent: list[Sent]) -> Counter[str]:
    """How often StartRecovery was sent, by attempt."""
    return Counter(one.members.get("tags", {}).get(TAG, "") for one in sent if one.operation == "StartRecovery")


def _otherwise(wanted: tuple[str, ...], ended: list[Any]) -> Iterator[str]:
    """How an execution, then its waves, ended otherwise than wanted."""
    for status, waves, _ in ended:
        found = (status, *(one for _, one in waves))
        if found != wanted:
            yield f"undisturbed it ended as {found}, not {wanted}"


def judged(result: Result, undisturbed: Result) -> Result:
    """The result with what only a comparison with the undisturbed run shows."""
    if result.problems:
        return result
    problems: list[str] = []
    if result.too_late and all(status == "COMPLETED" for _, waves, _ in result.outcome for _, status in waves):
        return result  # nobody was there to command it, and it went to its end
    timed = bool(SCENARIOS[result.scenario].ends)
    if not timed and result.outcome != undisturbed.outcome:
        problems.append(f"false failure: it ended as {result.outcome}, undisturbed as {undisturbed.outcome}")
    delay = added_delay(result, undisturbed)
    allowed = STRICT_SECONDS * max(result.fired, 1)
    if not problems and delay > allowed:
        problems.append(f"lost: it ended {delay:g} seconds later than undisturbed, and {allowed} are allowed")
    return Result(**result.to_json() | {"problems": tuple(problems), "faults": result.faults})


def added_delay(result: Result, undisturbed: Result) -> float:
    """By how many seconds the end came later, beyond the time that the process stood still."""
    return max(result.seconds - undisturbed.seconds - frozen_seconds(result), 0)


def frozen_seconds(result: Result) -> int:
    """How long the process stood still."""
    return sum(int(fault.rpartition(":")[2]) for fault in result.faults if " freeze-" in fault)
