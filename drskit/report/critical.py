"""The critical path of an execution: the waves, servers, phases and waits that determined its end.

Found from the end backwards: the server that was up last, its phases, its wave's
approval, the wave that it needed, and so on to the start. The steps are in the
order of time, each begins where the one before ended, and together they last as
long as the whole; so nothing that took time is left out, and nothing counts twice.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from enum import StrEnum

from pydantic import AwareDatetime

from drskit.actions import TaskPhase
from drskit.model import Event, Execution, ExecutionType, Phase, Record, ServerRun, Wave, WaveRun
from drskit.report import measures
from drskit.report.queueing import waits_of
from drskit.steps import steps_of


class Whose(StrEnum):
    """Who was busy, or waited for."""

    PEOPLE = "people"
    DRS = "DRS"
    DRSKIT = "drskit"
    SERVERS = "servers"
    """Their applications, until they answered."""
    ACTIONS = "actions"
    """What the plan does besides launching."""


PAUSED, NO_ROOM = "paused by a person", "waited for room in DRS's quotas"
EARLIER, AGAIN = "an earlier try", "waited for the decision to try again"
_Held = tuple[datetime, datetime, Whose, str, str | None]
"""From, to, whose time, why, and the wave that was held; None is all of them."""


class Step(Record):
    """A stretch of the critical path."""

    whose: Whose
    words: str
    """What happened meanwhile; names from outside are not in it."""
    wave_name: str | None
    source_server_id: str | None = None
    server_name: str = ""
    phase: Phase | None = None
    start_time: AwareDatetime
    end_time: AwareDatetime

    @property
    def lasted(self) -> timedelta:
        """How long."""
        return self.end_time - self.start_time


def critical_path(execution: Execution, now: datetime, events: Iterable[Event] = ()) -> tuple[Step, ...]:
    """What determined when the last critical server was up; without that, when the execution ended, or where it is.

    A cleanup has none. Only the history tells when there was no room in DRS for a launch.
    """
    if execution.execution_type is ExecutionType.CLEANUP:
        return ()
    path = _Path(execution, measures.measured_end(execution, now), events)
    wave = _last_wave(execution, now)
    server = _last_server(_critical(wave.servers), path.end) if wave else None
    seen: set[str] = set()
    while wave is not None and wave.wave_name not in seen:
        seen.add(wave.wave_name)
        path.through_wave(wave, server)
        wave = path.to_predecessor(wave)
        server = _last_server(wave.servers, path.cursor) if wave else None
    path.idle_back_to(execution.start_time, "from the start to the first wave", None)
    return path.steps


def worth_telling(steps: Iterable[Step]) -> tuple[Step, ...]:
    """The steps that a reader sees: those of a second or more."""
    return tuple(step for step in steps if step.lasted >= timedelta(seconds=1))


def shares(steps: Iterable[Step]) -> dict[Whose, timedelta]:
    """How much of a path was whose; servers and actions are there only where they were waited for."""
    steps = tuple(steps)
    waited = {step.whose for step in steps}
    found = {whose: timedelta() for whose in Whose if whose in waited or whose not in {Whose.SERVERS, Whose.ACTIONS}}
    for step in steps:
        found[step.whose] += step.lasted
    return found


class _Path:
    """Steps, gathered from the end backwards."""

    def __init__(self, execution: Execution, end: datetime, events: Iterable[Event]) -> None:
        self.end = self.cursor = max(end, execution.start_time)
        self._execution = execution
        self._held: list[_Held] = [
            *((since, until, Whose.PEOPLE, PAUSED, None) for since, until in measures.pauses(execution, end)),
            *((one.since, one.until or end, Whose.DRS, NO_ROOM, one.wave_name) for one in waits_of(events)),
        ]
        self._declared: dict[str, Wave] = {wave.name: wave for wave in execution.plan.waves}
        self._found: list[Step] = []

    @property
    def steps(self) -> tuple[Step, ...]:
        return tuple(reversed(self._found))

    def back_to(
        self, start: datetime | None, whose: Whose, words: str, wave: WaveRun | None, server: ServerRun | None = None,
        phase: Phase | None = None,
    ) -> None:  # fmt: skip
        """A step from `start` to where the path has come; none where that takes no time, or is not known."""
        if start is None or start >= self.cursor:
            return
        start = max(start, self._execution.start_time)
        self._found.append(
            Step(
                whose=whose, words=words, wave_name=wave.wave_name if wave else None,
                source_server_id=server.source_server_id if server else None,
                server_name=server.name if server else "", phase=phase, start_time=start, end_time=self.cursor,
            )
        )  # fmt: skip
        self.cursor = start

    def idle_back_to(self, start: datetime | None, words: str, wave: WaveRun | None) -> None:
        """A step in which nothing was launched; what held it meanwhile, a pause or a want of room, is told as that."""
        of = (None, wave.wave_name if wave else None)
        since = max(
            (until for _, until, *_ in _lulls(wave) if until <= self.cursor), default=self._execution.start_time
        )
        held = [(max(one[0], since), *one[1:]) for one in self._held if one[-1] in of and since < one[1]]
        self._held_back_to(start, words, wave, held)  # what held an earlier try is of that try

    def _held_back_to(
        self, start: datetime | None, words: str, wave: WaveRun | None, held: list[_Held],
        earlier: Whose = Whose.DRS,
    ) -> None:  # fmt: skip
        """A step of drskit's, less what is `held` and the lulls of the wave; before a lull it was an earlier try."""
        whose = Whose.DRSKIT
        for since, until, other, why, _ in sorted([*held, *_lulls(wave)], key=lambda one: one[1], reverse=True):
            if start is not None and start < until and since < self.cursor:
                self.back_to(max(until, start), whose, words, wave)
                self.back_to(max(since, start), other, why, wave)
                if why == AGAIN:
                    whose, words = earlier, EARLIER
        self.back_to(start, whose, words, wave)

    def through_wave(self, wave: WaveRun, server: ServerRun | None) -> None:
        """From where the path has come back to the moment when the wave's turn had come."""
        again = wave.retried and wave.start_time and wave.start_time < wave.retried.at
        asked = "tried again, until its launch was asked for" if again else "until its launch was asked for"
        idle = asked if server or again else "nothing of it was launched"
        self._through_actions(wave, TaskPhase.AFTER, "until its wave was over")
        while server is not None:
            self._through_server(wave, server)
            server = self._to_step_before(wave, server)
        self._through_actions(wave, TaskPhase.BEFORE, asked)
        self.idle_back_to(wave.start_time, idle, wave)
        if wave.waiting_since:
            decided = wave.approved.at if wave.approved else None
            self.back_to(decided, Whose.DRSKIT, "from the approval to the wave's start", wave)
            self.back_to(wave.waiting_since, Whose.PEOPLE, "waited for its approval", wave)

    def _through_actions(self, wave: WaveRun, phase: TaskPhase, between: str) -> None:
        """The runs of its actions, the last one first, and what lies between them."""
        for task in reversed(self._execution.tasks):
            if task.wave_name == wave.wave_name and task.phase is phase and task.start_time and task.end_time:
                self.idle_back_to(task.end_time, between, wave)
                self.back_to(task.start_time, Whose.ACTIONS, f"an action {phase.value} it, {task.kind.value}", wave)

    def _through_server(self, wave: WaveRun, server: ServerRun) -> None:
        if server.checks and wave.checking is not None:
            words = "until its checks had passed" if server.verified_time else "its checks, which have not passed"
            self._held_back_to(server.verified_time, "until its wave was over", wave, [], Whose.SERVERS)
            self.back_to(wave.checking.since, Whose.SERVERS, words, wave, server)
        earlier = Whose.SERVERS if server.checks else Whose.DRS
        self._held_back_to(server.end_time, "until its job was over and seen to be", wave, [], earlier)
        for span in reversed(server.phases):
            self.back_to(span.end_time, Whose.DRS, "between its phases", wave, server)
            self.back_to(span.start_time, Whose.DRS, span.phase.value.lower(), wave, server, span.phase)
        asked = server.request_time or server.start_time
        words = "from the request to its first phase" if server.phases else "from the request, without a phase"
        self.back_to(asked, Whose.DRS, words, wave, server)

    def _to_step_before(self, wave: WaveRun, server: ServerRun) -> ServerRun | None:
        """The last server of the steps that the wave launched before this one's; None when it was of the first."""
        declared = self._declared.get(wave.wave_name)
        steps = steps_of(declared, tuple(one.source_server_id for one in wave.servers)) if declared else ()
        number = next((number for number, step in enumerate(steps) if server.source_server_id in step), 0)
        earlier = {server_id for step in steps[:number] for server_id in step}
        last = _last_server((one for one in wave.servers if one.source_server_id in earlier), self.cursor)
        if last is not None:
            ends = [part.end_time for part in self._execution.attempts if part.job_id and part.job_id == last.job_id]
            paused = bool(self._execution.plan.pacing.servers)
            words = "a pause that the plan asks for, after the step before" if paused else "from the step before"
            self.idle_back_to(next(iter(ends), None), words, wave)
        return last

    def to_predecessor(self, wave: WaveRun) -> WaveRun | None:
        """The wave that it waited for longest, with the steps between the two; None when it waited for none."""
        declared = self._declared.get(wave.wave_name)
        needed = [other for other in self._execution.waves if declared and other.wave_name in declared.needs]
        ended = [other for other in needed if _released(other) is not None]
        if not ended:
            return None
        last = max(ended, key=lambda other: _released(other) or self.cursor)
        pause = "a pause that the plan asks for, " if self._execution.plan.pacing.waves else ""
        self.idle_back_to(_released(last), f"{pause}from the wave before it to its turn", wave)
        if last.overridden and last.end_time:
            self.back_to(last.end_time, Whose.PEOPLE, "waited for the decision to go on after it failed", last)
        return last


def _lulls(wave: WaveRun | None) -> list[_Held]:
    """How long somebody was waited for before each try but the first."""
    if wave is None:
        return []
    if not wave.lulls and wave.retried and wave.start_time and wave.start_time < wave.retried.at:
        why = "an earlier try, and the decision to try again"  # as an older drskit recorded it
        return [(wave.start_time, wave.retried.at, Whose.PEOPLE, why, wave.wave_name)]
    return [(lull.since, lull.until, Whose.PEOPLE, AGAIN, wave.wave_name) for lull in wave.lulls or ()]


def _released(wave: WaveRun) -> datetime | None:
    """When the waves that need this one could begin."""
    return wave.overridden.at if wave.overridden else wave.end_time


def _last_wave(execution: Execution, now: datetime) -> WaveRun | None:
    """The wave in which the path ends: that of the last critical server, else the one that was busy last."""
    whole = measures.plan_rto(execution, now)
    if whole.actual is not None:
        return max(execution.waves, key=lambda wave: max(_ends(_critical(wave.servers)), default=execution.start_time))
    begun = [wave for wave in execution.waves if wave.start_time or wave.waiting_since or wave.end_time]
    return max(begun, key=lambda wave: _busy_until(wave, now), default=None)


def _busy_until(wave: WaveRun, now: datetime) -> tuple[bool, datetime]:
    """Waves that something was launched of, or that are not over, before those that were only skipped."""
    return (wave.start_time is not None or wave.end_time is None, wave.end_time or now)


def _critical(servers: Iterable[ServerRun]) -> tuple[ServerRun, ...]:
    return tuple(server for server in servers if server.critical)


def _ends(servers: Iterable[ServerRun]) -> Iterator[datetime]:
    return (end for server in servers if (end := measures.up_since(server)))


def _last_server(servers: Iterable[ServerRun], by: datetime) -> ServerRun | None:
    """The server that was launched or given up last, and not after `by`; one that still runs is later than all."""
    begun = [server for server in servers if server.start_time and server.start_time <= by]
    return max(begun, key=lambda server: min(measures.up_since(server) or by, by), default=None)
