"""What can happen to a call, and which of it makes sense for which call.

A call is named by its operation and its number among the calls of that
operation, counted from 0; a fault by its kind and, where it needs one, a number
of seconds: `StartRecovery:0 late:280`.
"""

from dataclasses import dataclass

READS = ("Get", "Describe", "List", "Query", "Scan")
FREEZES = (20, 90, 600, 2400)
DELAYS = (10, 120, 280, 1000)
MAIN = {
    "crash-before": 0,
    "crash-after": 0,
    "lost-request": 0,
    "lost-reply": 0,
    "late": 280,
    "freeze-before": 2400,
    "freeze-between": 600,
    "throttle": 0,
    "error-500": 0,
}
"""The kinds that differ most from each other, with one span each."""


@dataclass(frozen=True)
class Call:
    """One call of a boto3 client."""

    service: str
    operation: str
    number: int
    anew: bool = True
    """Whether time has passed since the process's last call, or that one meets no faults."""


@dataclass(frozen=True)
class Fault:
    """One fault at one call."""

    operation: str
    number: int
    kind: str
    seconds: int = 0

    @property
    def main(self) -> bool:
        """Whether it is one of those that differ most; the others vary the spans, or strike one send of several."""
        return MAIN.get(self.kind) == self.seconds

    def __str__(self) -> str:
        return f"{self.operation}:{self.number} {self.kind}" + (f":{self.seconds}" if self.seconds else "")


KINDS = {
    "crash-before": "the process dies before the request is sent",
    "crash-after": "the process dies after the reply came",
    "lost-request": "no request of the call arrives, however often it is sent",
    "lost-reply": "the first request has its effect, and no reply ever comes",
    "late": "the caller gives up, and the request arrives these seconds later",
    "blip-request": "the first request is lost; what the SDK sends again arrives",
    "blip-reply": "the first reply is lost; what the SDK sends again is answered",
    "blip-late": "the SDK sends again and is answered, and the first request arrives these seconds later",
    "freeze-before": "the process stands still for these seconds before it signs and sends",
    "freeze-between": "the first reply is lost; the process stands still for these seconds before the SDK sends again",
    "freeze-after": "the process stands still for these seconds after the reply came",
    "throttle": "AWS refuses every request of the call for now",
    "error-500": "AWS fails without having done anything",
    "error-500-after": "AWS has done it and answers with an error",
}


def parse(text: str) -> Fault:
    """A fault from what `str` makes of it.

    Raises:
        ValueError: that is none.
    """
    call, _, what = text.partition(" ")
    operation, _, number = call.partition(":")
    kind, _, seconds = what.partition(":")
    if kind not in KINDS:
        message = f"{text!r} is no fault; write for example 'StartRecovery:0 late:280', with one of {', '.join(KINDS)}"
        raise ValueError(message)
    return Fault(operation, int(number), kind, int(seconds or 0))


def faults_of(call: Call) -> list[Fault]:
    """Every fault that makes sense at this call.

    What would repeat another is left out: a read has no effect that could be lost, so dying after it is dying before
    the next call, and standing still after a call is standing still before the next. Dying before a call that follows
    another at the same moment is dying after that one, or before it where it only read: all that a process knew is
    gone, and the tables and the world are the same. What is put as an item alone is when to look again, and a person's
    authorisation, so that call meets fewer kinds. AWS refuses a request that was signed five minutes ago (assumption
    A2): the simulator does so for launches, which meet all delays, and what is for the tables is never later than that,
    nor does it matter there how long a process stood still whose work another one has taken over.
    """

    def of(kind: str, spans: tuple[int, ...] = (0,)) -> list[Fault]:
        return [Fault(call.operation, call.number, kind, seconds) for seconds in spans]

    found = [*(of("crash-before") if call.anew else ()), *of("lost-request")]
    if call.operation.startswith(READS):
        return [*found, *of("freeze-before", FREEZES[-1:])]
    found += [*of("crash-after"), *of("lost-reply")]
    if call.operation == "PutItem":
        return [*found, *of("late", DELAYS[2:3]), *of("freeze-before", FREEZES[::3])]
    found += [*of("freeze-before", (*FREEZES[:2], FREEZES[-1]) if call.service == "dynamodb" else FREEZES)]
    found += [*of("throttle"), *of("error-500"), *of("error-500-after")]
    if call.service == "dynamodb":
        found += [
            *of("freeze-between", FREEZES[2:3]),
            *of("late", DELAYS[1:3]),
            *of("blip-request"),
            *of("blip-reply"),
            *of("blip-late", DELAYS[:3:2]),
        ]
        return found
    return [*found, *of("late", DELAYS), *of("freeze-after", FREEZES)]
