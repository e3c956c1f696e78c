"""Whose turn it is to launch, and how much there is room for: by hand, and for any plans beside each other."""

from dataclasses import dataclass, field
from datetime import datetime

from hypothesis import given
from hypothesis import strategies as st

from drskit.admission import asks, precedence, room, why_queued, why_refused
from drskit.attempts import launched
from drskit.decide import chunks_due, intend
from drskit.edit import with_attempt, with_wave
from drskit.model import Attempt, AttemptStatus, Execution, ExecutionStatus, ExecutionType, Job, JobServer, WaveStatus
from drskit.quotas import Load, Quotas, load_of, servers_under_way
from drskit.seen import Room, Seen
from drskit.witness import tags_of
from tests.builders import QUIESCENCE, START, at, attempt_of, execution_of, job_of, sid, wave

# --- by hand ---------------------------------------------------------------------------------------------------------


def running(name: str, *, since: float = 0, under_way: int = 0, asked: float | None = None, **changes: object):
    """A drill that began then, with so many servers in a job that was asked for then."""
    attempts = ()
    if under_way or asked is not None:
        ids = tuple(sid(number) for number in range(under_way))
        signed = at(since if asked is None else asked)
        attempts = (attempt_of(servers=ids, status=AttemptStatus.LAUNCHED, signed_at=signed),)
    return execution_of((wave("Database"), 2), execution_id=name, start_time=at(since), attempts=attempts, **changes)


def names(*executions: Execution) -> list[str]:
    """In the order of their turns."""
    return [execution.execution_id for execution in sorted(executions, key=precedence)]


def test_whoever_holds_least_comes_first():
    """However long the other one waits."""
    assert ["small", "large"] == names(running("large", under_way=100), running("small", since=900, under_way=2))


def test_of_those_that_hold_as_much_whoever_asked_longest_ago_comes_first():
    """Who never asked counts from its start."""
    served, fresh, early = running("served", asked=600), running("fresh", since=300), running("early", since=100)
    assert ["early", "fresh", "served"] == names(served, fresh, early)


def test_a_recovery_comes_before_every_drill():
    """Whatever it holds already."""
    recovery = running("recovery", since=900, under_way=300, execution_type=ExecutionType.RECOVERY)
    assert ["recovery", "drill"] == names(running("drill"), recovery)


def test_there_is_room_for_what_the_quotas_leave():
    """Of jobs, of servers in all jobs, and of servers in one."""
    assert 100 == room(Load(19, 400), Quotas())
    assert 63 == room(Load(5, 437), Quotas())
    assert 0 == room(Load(20, 20), Quotas())
    assert 0 == room(Load(5, 500), Quotas())
    assert 0 == room(Load(6, 520), Quotas(servers=450))
    assert 10 == room(Load(), Quotas(servers_per_job=10))


def test_who_waits_is_told_for_what():
    """Which quota is full, by whom, and how many come first."""
    full = Load(20, 310, jobs_of_others=7, servers_of_others=70)
    assert "waits for a job slot in us-west-2, behind 1 execution: 20 of 20 jobs run, 7 of them not ours" == why_queued(
        full, Quotas(), 1, "us-west-2"
    )
    assert "waits for room for servers in us-west-2: 500 of 500 servers are in jobs" == why_queued(
        Load(5, 500), Quotas(), 0, "us-west-2"
    )
    assert "behind more than 10 executions" in why_queued(full, Quotas(), 11, "us-west-2")
    assert why_queued(full, Quotas(doubt="by guess"), 0, "us-west-2").endswith("not ours (by guess)")
    assert "waits for a job slot in us-west-2: DRS says that it is full" == why_refused("it is full", 0, "us-west-2")


# --- what is in use --------------------------------------------------------------------------------------------------


def test_everybodys_jobs_count_until_they_have_ended():
    """Ours by their tag or by our record, the others' apart."""
    ours = running("ours")
    mine = job_of(1, tags=tags_of(ours, attempt_of()))
    cleanup = running("cleanup").model_copy(
        update={"attempts": (attempt_of(status=AttemptStatus.LAUNCHED, job_id=job_of(2).job_id),)}
    )
    jobs = [mine, job_of(2, job_type="TERMINATE"), job_of(3), job_of(4, status="COMPLETED")]
    assert Load(3, 6, jobs_of_others=1, servers_of_others=2) == load_of(jobs, [ours, cleanup])


def test_a_request_without_a_known_outcome_holds_its_place():
    """Until its job is listed, which then counts in its stead, or until DRS is known to have refused it."""
    asked = running("asked").model_copy(update={"attempts": (attempt_of(),)})
    assert Load(1, 2) == load_of([], [asked])
    assert Load(1, 2) == load_of([job_of(tags=tags_of(asked, attempt_of()))], [asked])
    assert Load(2, 4, 1, 2) == load_of([job_of()], [asked]), "a stranger's job, which has no tags, is not it"
    refused = running("refused").model_copy(update={"attempts": (attempt_of(refused=True),)})
    assert Load() == load_of([], [refused])


def test_a_recorded_job_counts_although_no_listing_shows_it():
    """For half a minute, say; once it was seen to have ended it counts no more."""
    recorded = running("ours").model_copy(
        update={"attempts": (attempt_of(status=AttemptStatus.LAUNCHED, job_id=job_of().job_id),)}
    )
    assert Load(1, 2) == load_of([], [recorded])
    assert Load() == load_of([job_of(status="COMPLETED")], [recorded])


# --- any plans beside each other -------------------------------------------------------------------------------------


@dataclass
class Place:
    """An account and Region in which executions share the quotas; a job lasts as many rounds as its number says."""

    quotas: Quotas
    executions: dict[str, Execution]
    rounds: list[int]
    """How long each job lasts, in turn."""
    others: list[tuple[int, int]] = field(default_factory=list)
    """Jobs of others: servers, and the round in which they end."""
    jobs: dict[str, tuple[Job, str, str, int]] = field(default_factory=dict)
    """Job, execution, attempt, and the round in which it ends."""
    served: list[str] = field(default_factory=list)
    round: int = 0

    def now(self) -> datetime:
        return at(self.round * 60)

    def load(self) -> Load:
        listed = [job for job, *_ in self.jobs.values()]
        listed += [
            Job(
                job_id=f"drsjob-other{number}", job_type="LAUNCH", status="STARTED", creation_time=START,
                servers=tuple(JobServer(source_server_id=f"o-{number}-{place}") for place in range(count)),
            )
            for number, (count, until) in enumerate(self.others)
            if until > self.round
        ]  # fmt: skip
        return load_of(listed, self.executions.values())

    def asking(self) -> list[Execution]:
        return [execution for execution in self.executions.values() if asks(execution, self.now())]

    def hand_out(self) -> None:
        """Give away what is free, as a pass does."""
        while (waiting := self.asking()) and (free := room(self.load(), self.quotas)):
            first = min(waiting, key=precedence)
            assert servers_under_way(first) == min(map(servers_under_way, waiting))
            self.launch(first, free)

    def launch(self, execution: Execution, free: int) -> None:
        ((_, _, server_ids), *_) = chunks_due(execution, self.now())
        seen = Seen(
            now=self.now(), listed_at=self.now(), quiescence=QUIESCENCE, fresh_id=f"attempt-{len(self.served)}",
            obstacles=dict.fromkeys(server_ids), room=Room(free),
        )  # fmt: skip
        execution, attempt = intend(execution, seen)
        assert isinstance(attempt, Attempt)
        job = Job(
            job_id=f"drsjob-{len(self.served)}", job_type="LAUNCH", status="STARTED", creation_time=self.now(),
            tags=tags_of(execution, attempt),
            servers=tuple(JobServer(source_server_id=server_id) for server_id in attempt.server_ids),
        )  # fmt: skip
        name = execution.execution_id
        self.executions[name] = launched(execution, attempt, job)
        lasts = self.rounds[len(self.served) % len(self.rounds)]
        self.jobs[job.job_id] = job, name, attempt.attempt_id, self.round + lasts
        self.served.append(name)

    def next_round(self) -> None:
        """Let the jobs end whose time has come."""
        self.round += 1
        for job_id, (_, name, attempt_id, until) in list(self.jobs.items()):
            if until <= self.round:
                del self.jobs[job_id]
                self.executions[name] = with_attempt(self.executions[name], attempt_id, end_time=self.now())


def opened(sizes: list[int], quotas: Quotas, rounds: list[int], others: list[tuple[int, int]]) -> Place:
    """Executions of so many servers each, all of them asking."""
    executions = {}
    for number, size in enumerate(sizes):
        execution = execution_of((wave("Database"), size), execution_id=f"{number:04d}", status=ExecutionStatus.POLLING)
        executions[execution.execution_id] = with_wave(execution, "Database", status=WaveStatus.PREPARING)
    return Place(quotas, executions, rounds, others)


@given(
    sizes=st.lists(st.integers(1, 120), min_size=1, max_size=5),
    quotas=st.builds(Quotas, st.integers(1, 5), st.integers(20, 120), st.integers(8, 100)),
    rounds=st.lists(st.integers(1, 4), min_size=1, max_size=5),
    others=st.lists(st.tuples(st.integers(1, 120), st.integers(0, 12)), max_size=4),
)
def test_nothing_is_passed_nothing_is_wasted_and_nobody_starves(sizes, quotas, rounds, others):
    """For any plans, quotas, spans and jobs of others.

    Ours never pass a quota; nothing stays free while somebody asks; and from the moment when an execution has nothing
    under way, each other one is served once at most before it is.
    """
    place = opened(sizes, quotas, rounds, others)
    idle: dict[str, int] = {}
    while place.jobs or place.asking():
        assert place.round < 2000
        before = place.load()
        for name, execution in place.executions.items():
            if asks(execution, place.now()) and not servers_under_way(execution):
                idle.setdefault(name, len(place.served))
        place.hand_out()
        load = place.load()
        assert load.jobs <= max(quotas.jobs, before.jobs)
        assert load.servers <= max(quotas.servers, before.servers)
        assert not place.asking() or not room(load, quotas)
        for name, since in list(idle.items()):
            later = place.served[since:]
            ahead = later[: later.index(name)] if name in later else later
            assert len(ahead) == len(set(ahead)), f"{name} waited while {ahead} were served"
            if name in later:
                del idle[name]
        place.next_round()
    launched_ids = [server for execution in place.executions.values() for server in execution.waves[0].servers]
    assert sum(sizes) == sum(server.job_id is not None for server in launched_ids)


def test_a_stream_of_small_plans_and_a_large_wave_share_the_slots():
    """The small one that comes late gets the next slot, and the large one goes on between them."""
    place = opened([300], Quotas(jobs=2, servers=500), [3, 5], [])
    place.hand_out()
    late = opened([1, 5], Quotas(), [1], []).executions["0001"]
    place.executions["0001"] = late.model_copy(update={"start_time": at(60)})
    while place.jobs or place.asking():
        place.next_round()
        place.hand_out()
    assert ["0000", "0000", "0001", "0000"] == place.served
