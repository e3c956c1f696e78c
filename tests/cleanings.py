"""A cleanup walked by hand: what DRS and EC2 say is what the test says, and every change is held to the tables."""

from dataclasses import dataclass, field

from drskit.cleaning import calls_due, undecided
from drskit.model import ExecutionType, RecoveryInstance, ServerStatus, WaveStatus
from drskit.ports import Started
from drskit.seen import Aftermath, Seen, Sight
from tests.builders import QUIESCENCE, Walk, execution_of, sid, wave

S, W = ServerStatus, WaveStatus
DRILLS_JOB = "drsjob-00000000000099999"
GONE = Sight(None, "terminated")


def living(number, **changes):
    """An instance that the drill's job launched, as DRS and EC2 show it."""
    protected = changes.pop("protected", False)
    instance = RecoveryInstance(
        recovery_instance_id=f"i-{number:017d}", source_server_id=sid(number), job_id=DRILLS_JOB, is_drill=True,
        state="RUNNING", failback="FAILBACK_NOT_STARTED", replication_state="NOT_STARTED",
    )  # fmt: skip
    return Sight(instance.model_copy(update=changes), "running", protected=protected)


@dataclass
class Cleaning(Walk):
    """A cleanup that is walked by hand."""

    sights: dict[str, Sight] = field(default_factory=dict)
    """By source server."""
    busy: dict[str, str] = field(default_factory=dict)
    states: dict[str, str] = field(default_factory=dict)
    """EC2's words for the bystanders at the end."""
    told: bool = True

    def seen(self) -> Seen:
        """What `look_after` asks for: the sights of all, and all of what the next call needs."""
        wave = self.execution.waves[0]
        due = {name for _, names in calls_due(self.execution, self.now)[:1] for name in names}
        ended = wave.status is W.VERIFYING and not any(map(undecided, wave.servers))
        self.ids += 1
        return Seen(
            now=self.now, listed_at=self.now, quiescence=QUIESCENCE, fresh_id=f"01JDD5Q3X8M4T7V2W9Y0Z{self.ids:05d}",
            jobs=self.jobs, missing=frozenset(self.missing), remains=self.remains,
            aftermath=Aftermath(
                jobs=frozenset({DRILLS_JOB}), sights=self.sights, checked=frozenset(due), busy=self.busy,
                kept=self.states if ended else None, told=ended and self.told,
            ),
        )  # fmt: skip

    def started(self, attempt=None):
        """DRS made a TERMINATE job of the last call, whether we hear of it or not."""
        job = super().started(attempt).model_copy(update={"job_type": "TERMINATE"})
        self.jobs[job.job_id] = job
        return job

    def called(self):
        """DRS made a job of the last call and said so."""
        job = self.started()
        self.reply(Started(job))
        return job

    def over(self, job, *left):
        """The job is COMPLETED, and what it named is gone besides the servers that are left."""
        self.jobs[job.job_id] = job.model_copy(update={"status": "COMPLETED", "end_time": self.now})
        for part in job.servers:
            if part.source_server_id not in left:
                self.sights[part.source_server_id] = GONE

    @property
    def errors(self):
        return [server.error for server in self.execution.waves[0].servers]


def cleaning(count=2, **changes):
    """A cleanup of so many instances, all of which live."""
    execution = execution_of((wave("Cleanup"), count), execution_type=ExecutionType.CLEANUP, cleans="E1", **changes)
    run = execution.waves[0]
    servers = tuple(
        server.model_copy(update={"status": S.LAUNCHED, "recovery_instance_id": f"i-{number:017d}"})
        for number, server in enumerate(run.servers, 1)
    )
    execution = execution.model_copy(update={"waves": (run.model_copy(update={"servers": servers}),), "groups": ()})
    return Cleaning(execution, sights={sid(number): living(number) for number in range(1, count + 1)})


def finished(walk, job):
    """The walk to its end, after its job has ended well."""
    walk.seconds += 60
    walk.over(job)
    return walk.run(30)
