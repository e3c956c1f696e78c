"""What becomes of a drill's instances once it is over, as its plan's cleanup policy says.

`after` counts where a person is, `headless` where nobody is. Whatever the
policy, a cleanup that lives already is carried to its end, and what still runs
is said with the command that terminates it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape

from drskit.cleanup import CleanupPreview
from drskit.driving import Driving
from drskit.launches import LAUNCHED
from drskit.model import CleanUp, Event, Execution, ExecutionStatus, ExecutionType, Mode, ServerStatus
from drskit.running import left_running
from drskit.session import Session
from drskit.states import FINAL_EXECUTION
from drskit.targets import LEFT_BEHIND, candidates
from drskit.views.words import counted, plain


@dataclass(frozen=True)
class Afterwards:
    """What became of a drill's instances, in words."""

    words: str
    failed: bool = False
    """A cleanup was begun, or was to begin, and did not end COMPLETED."""

    def __repr__(self) -> str:
        return self.words

    def _repr_html_(self) -> str:
        role = ' role="alert"' if self.failed else ""
        lines = "<br>".join(escape(line) for line in self.words.splitlines())
        return f"<p{role}>{f'<b>✖ {lines}</b>' if self.failed else lines}</p>"


def choice_for(drill: Execution, *, person: bool) -> CleanUp:
    """What the plan says, where a person is and where nobody is; nothing that a recovery launched ever goes so."""
    if drill.execution_type is ExecutionType.RECOVERY:
        return CleanUp.NEVER
    policy = drill.plan.cleanup
    return policy.after if person else policy.headless


def live_cleanup(session: Session, plan_id: str) -> Execution | None:
    """The cleanup of a plan's drill that is not over."""
    name = session.live_execution(plan_id)
    found = session.find(name) if name else None
    return found if found is not None and found.execution_type is ExecutionType.CLEANUP else None


def remains(session: Session, drill: Execution) -> Afterwards:
    """How many instances of a drill still run by the record, and how to be rid of them.

    Instances that a newer drill of the plan has replaced count no more.
    """
    name = f"{drill.execution_type.lower()} {drill.execution_id}"
    if drill.status not in FINAL_EXECUTION:
        return Afterwards(f"{name[0].upper()}{name[1:]} is {drill.status}: what is not over is not cleaned up.")
    if drill.execution_type is ExecutionType.RECOVERY:
        return _recovered(drill, name)
    running = left_running(drill, session.launched_again(drill))
    command = f"drskit cleanup {drill.execution_id} --reason TEXT"
    if running is not None and running.count:
        verb = "runs and costs" if running.count == 1 else "run and cost"
        return Afterwards(
            f"{counted(running.count, 'instance')} of {name} still {verb} money. When nobody needs them: {command}"
        )
    doubtful = sum(server.status in LEFT_BEHIND and not server.terminated_by for server in candidates(drill))
    if doubtful:
        return Afterwards(
            f"No instance of {name} is known to run, but {counted(doubtful, 'server')} of it may have left one. "
            f"To look, and to terminate what is found: {command}"
        )
    return Afterwards(f"Nothing is left to clean up: no instance of {name} runs.")


def _recovered(recovery: Execution, name: str) -> Afterwards:
    """What a recovery launched stays, and what comes after it is not drskit's to do."""
    up = sum(server.status in LAUNCHED for wave in recovery.waves for server in wave.servers)
    return Afterwards(
        f"{counted(up, 'instance')} of {name} {'is' if up == 1 else 'are'} left alone: nothing that a recovery "
        "launched is terminated by itself. What comes after a recovery is in docs/recovery.md."
    )


def ended(cleanup: Execution) -> Afterwards:
    """How a cleanup ended, with what it left and why."""
    servers = cleanup.waves[0].servers
    gone = sum(server.status is ServerStatus.TERMINATED for server in servers)
    name = f"{cleanup.mode} cleanup {cleanup.execution_id} of drill {cleanup.cleans}"
    lines = [f"{name} is {cleanup.status}: {gone} of {counted(len(servers), 'instance')} terminated."]
    lines += [
        f"{server.recovery_instance_id} of {server.source_server_id}: {plain(server.error)}."
        for server in servers
        if server.error and server.status is not ServerStatus.TERMINATED
    ]
    if cleanup.status is ExecutionStatus.COMPLETED:
        return Afterwards("\n".join(lines))
    if cleanup.waiting_for:
        lines.append(f"It waits for {plain(cleanup.waiting_for).rstrip('.')}.")
    command = f"drskit cleanup {cleanup.cleans} --reason TEXT"
    lines.append(f"What is left runs and costs money. When the reason is mended: {command}")
    return Afterwards("\n".join(lines), failed=True)


class CleanupDrive:
    """The cleanup of a drill, as a panel drives it."""

    def __init__(
        self,
        session: Session,
        drill: Execution,
        *,
        reason: str,
        preview: CleanupPreview | None = None,
        typed: str | None = None,
    ) -> None:
        self.session = session
        self._drill = drill
        self._reason = reason
        self._driving = Driving(session, simulated=drill.mode is Mode.SIMULATED)
        self._preview = preview
        self._typed = typed

    @property
    def preview_text(self) -> str:
        """What it terminates and what it leaves alone, as lines of plain text."""
        from drskit.views.cleanups import preview_text

        return preview_text(self.look_ahead(), self.now())

    def look_ahead(self) -> CleanupPreview:
        """What was seen when it was looked at first; nothing else is terminated."""
        if self._preview is None:
            self._preview = self.session.cleanup_preview(self._drill.execution_id)
        return self._preview

    def preview(self) -> tuple[str, ...]:
        """What it would terminate, as parts of HTML."""
        return (f"<pre>{escape(self.preview_text)}</pre>",)

    def mode(self) -> Mode:
        """Who answers: AWS or the simulator."""
        return self._drill.mode

    def start(self) -> None:
        """Start it, or take up the one that lives; nothing begins where nothing is left.

        Raises:
            DrskitError: see `Session.cleanup`.
        """
        self._driving.execution = self.session.cleanup(
            self._drill.execution_id, reason=self._reason, preview=self.look_ahead(), typed=self._typed
        )

    def step(self) -> bool:
        """Advance one pass and wait until the next is due; True while there is something to do without a person."""
        return self._driving.step()

    def snapshot(self) -> Execution | None:
        """The cleanup as last seen; None before its start, and when nothing was left."""
        return self._driving.execution

    def history(self, after: int) -> Sequence[Event]:
        """The events with a higher sequence number."""
        return self._driving.history(after)

    def trouble(self) -> str | None:
        """What keeps it from being advanced for now."""
        return self._driving.trouble

    def wake(self) -> None:
        """End a wait that goes on in `step`."""
        self._driving.wake()

    def now(self) -> datetime:
        """The present, by the tables."""
        return self.session.store.now()

    def outcome(self, error: Exception | None) -> Afterwards:
        """What it came to; `error` is what stopped it."""
        if error is not None:
            name = f"Drill {self._drill.execution_id} was not cleaned up"
            return Afterwards(f"{name}: {error}", failed=True)
        cleanup = self._driving.execution
        if cleanup is not None:
            return ended(cleanup)
        return Afterwards(
            f"Nothing is left to clean up: DRS and EC2 have no instance of drill {self._drill.execution_id}."
        )
