"""The one composer: which account, which tables, which clock.

Only here is the environment read, and only here do the parts meet. Everything a
person or a program asks of drskit is a method of `Session`.
"""

import getpass
import os
from collections.abc import Callable, Mapping, MutableMapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from drskit.addressees import target
from drskit.amending import amend
from drskit.approvers import STAND_IN, local_identity
from drskit.change import Judgement, judge, permitted
from drskit.cleanup import CleanupPreview, preview_cleanup, start_cleanup
from drskit.clock import Clock, RemoteClock, SystemClock
from drskit.engine import Engine
from drskit.errors import (
    AlreadyExists,
    GuardRefused,
    InvalidInput,
    LostRace,
    Malformed,
    MissingTables,
    NotFound,
    Refused,
    Unavailable,
)
from drskit.guard import Doomed, obstacles, survey
from drskit.history import first_event, narrate
from drskit.model import (
    AppliedGroup,
    AppliedPlan,
    Authority,
    Command,
    CommandKind,
    Event,
    Execution,
    ExecutionHeader,
    ExecutionType,
    JobLog,
    Mode,
    RecoverySnapshot,
    Runbook,
    SourceServer,
    WaveEdit,
    runbook_digest,
)
from drskit.notices import NotifyTarget, Outcome
from drskit.orders import REFUSED, answer_now, told
from drskit.outbox import Outbox
from drskit.planning import (
    Resolved,
    applied,
    check_resolution,
    difference,
    execution_id_for,
    fresh_id,
    new_execution,
    resolve,
)
from drskit.poller import Poller
from drskit.ports import Store
from drskit.pricelist import budget_of, prices_of
from drskit.running import RunningInstances, launched_again, left_running, running_instances
from drskit.settings import REGION, Settings, read_settings
from drskit.snapshots import choose
from drskit.states import FINAL_EXECUTION, check
from drskit.texts import plain

if TYPE_CHECKING:
    from drskit.aws.actions import AwsActions
    from drskit.aws.clients import Clients
    from drskit.aws.notifier import AwsNotifier
    from drskit.aws.queue import AwsQueue
    from drskit.aws.recovery import DrsRecovery
    from drskit.forecast import Forecast
    from drskit.probing import Instruments

COMMAND_TRIES = 20


def environment() -> MutableMapping[str, str]:
    """The process's environment: simulated worlds are entered through it, as AWS's own tools are."""
    return os.environ


def _login() -> str:
    """Who is logged in to this machine; containers may run as a number that has no name."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "local"


@dataclass(frozen=True)
class Applied:
    """What an apply changed."""

    plan_id: str
    version: int
    changes: tuple[str, ...]


@dataclass(frozen=True)
class Preview:
    """What a start would do, shown before it is asked for."""

    runbook: Runbook
    account_id: str
    region: str
    mode: Mode
    groups: tuple[Resolved, ...]
    doomed: tuple[Doomed, ...]
    changes: tuple[str, ...]
    """How the runbook differs from what was applied."""
    fast: bool = False
    """Launches without a known outcome would be repeated soon."""
    snapshots: Mapping[str, RecoverySnapshot] = field(default_factory=dict)
    """By source server: what it would be launched from, where that is not the newest data."""
    replace: tuple[str, ...] = ()
    """The instances that the operator named."""
    override: str | None = None
    """Why it is to start although its change control does not allow it now."""
    change: Judgement | None = None
    """How a start now stands by the plan's change control; None where it has none."""
    forecast: "Forecast | None" = None
    """What it would cost, of a plan with a budget."""


class Session:
    """One AWS identity, one set of tables, one clock."""

    def __init__(
        self, settings: Settings, *, clock: Clock | None = None, fresh_id: Callable[[datetime], str] = fresh_id
    ) -> None:
        """Make a session; nothing is asked of AWS before it is needed.

        Args:
            settings: see `read_settings`.
            clock: whose time is waited for; the settings' own when left out.
            fresh_id: makes a new ULID for a time.
        """
        self.settings = settings
        self._clock = clock
        self._fresh_id = fresh_id
        self._recoveries: dict[str, DrsRecovery] = {}
        self._over: dict[str, Execution] = {}
        self._actions: dict[str, AwsActions] = {}
        self._instruments: dict[tuple[str, Mode], Instruments] = {}

    @classmethod
    def open(cls, **flags: object) -> "Session":
        """A session by the process's environment, the working folder's `drskit.toml` and these flags.

        Raises:
            InvalidInput: a setting is not valid.
        """
        return cls(read_settings(os.environ, Path.cwd(), **flags))

    # --- collaborators -----------------------------------------------------------------------------------------------

    @cached_property
    def clients(self) -> "Clients":
        """The boto3 clients of this identity.

        Raises:
            InvalidInput: there is no such profile.
        """
        from drskit.aws.clients import Clients

        profile = (
            None if self.settings.clock_url else self.settings.profile
        )  # a simulated world has its own credentials
        return Clients(region=self.settings.region, profile=profile)

    @cached_property
    def store(self) -> Store:
        """The tables.

        Raises:
            InvalidInput: no Region is set.
        """
        from drskit.store.dynamodb import DynamoDbStore

        self._need_region("the tables")
        return DynamoDbStore(self.clients.dynamodb(), prefix=self.settings.table_prefix, env=self.settings.env)

    @cached_property
    def clock(self) -> Clock:
        """The simulated world's clock where there is one, else the machine's."""
        if self._clock is not None:
            return self._clock
        return RemoteClock(self.settings.clock_url) if self.settings.clock_url else SystemClock()

    @cached_property
    def wall_clock(self) -> Clock:
        """The machine's own time: for names of files, never for an execution."""
        return SystemClock()

    @cached_property
    def local_zone(self) -> tzinfo:
        """The machine's time zone, by which its cron goes.

        Raises:
            InvalidInput: `TZ` names none.
        """
        from drskit.cron import local_zone

        return local_zone(os.environ.get("TZ"))

    @cached_property
    def caller(self) -> tuple[str, str]:
        """The account id and the ARN of whoever runs this; in a simulated world one that is made of their login.

        A role that was assumed there stands for itself, as in AWS.

        Raises:
            Unavailable: nobody is known.
            InvalidInput: a simulated user is set, and AWS answers.
        """
        from drskit.aws.faults import asking
        from drskit.aws.recovery import SIMULATED_HEADER

        self._need_region("AWS")
        with asking("GetCallerIdentity"):
            identity = self.clients.sts().get_caller_identity()
            account_id, arn = identity["Account"], identity["Arn"]
        simulated = SIMULATED_HEADER in identity["ResponseMetadata"]["HTTPHeaders"]
        if simulated and not (":assumed-role/" in arn and self.settings.user is None):
            return account_id, local_identity(self.settings.user or _login(), account_id)
        if self.settings.user and not simulated:
            raise InvalidInput("DRSKIT_USER is for simulated worlds; AWS itself says who you are. Unset it.")
        return account_id, arn

    def recovery(self, region: str) -> "DrsRecovery":
        """DRS and EC2 of this account in a Region."""
        if region not in self._recoveries:
            from drskit.aws.quotas import ServiceQuotas
            from drskit.aws.recovery import DrsRecovery

            clients = self.clients
            self._recoveries[region] = DrsRecovery(
                clients.drs(region), clients.drs_launcher(region), clients.ec2(region), region,
                ServiceQuotas(lambda: clients.service_quotas(region), region),
            )  # fmt: skip
        return self._recoveries[region]

    @cached_property
    def notifier(self) -> "AwsNotifier":
        """SNS and EventBridge of this account, in any Region."""
        from drskit.aws.notifier import AwsNotifier

        return AwsNotifier(self.clients)

    def actions(self, region: str) -> "AwsActions":
        """What actions do in a Region."""
        if region not in self._actions:
            from drskit.aws.opening import open_actions

            self._actions[region] = open_actions(self.clients, self.recovery(region), region)
        return self._actions[region]

    def instruments_for(self, execution: Execution) -> "Instruments":
        """What the checks of an execution are carried out with; those of a simulated one never leave its world."""
        place = execution.region, execution.mode
        if place not in self._instruments:
            from drskit.instruments import instruments

            self._instruments[place] = instruments(self.clients, *place)
        return self._instruments[place]

    def require_simulated(self, region: str) -> None:
        """Make sure that our simulator answers in DRS's place.

        Raises:
            Refused: it is the real service, and a simulation was asked for.
        """
        recovery = self.recovery(region)
        recovery.probe()
        if not recovery.simulated:
            raise Refused(
                "A simulation was asked for, and the endpoint in AWS_ENDPOINT_URL is no simulator of drskit. "
                "Unset it, or leave the simulation out."
            )

    @cached_property
    def queue(self) -> "AwsQueue":
        """The queue in which a finder that AWS runs asks for looks.

        Raises:
            InvalidInput: no queue is set.
        """
        from drskit.aws.queue import AwsQueue

        if self.settings.queue_url is None:
            raise InvalidInput("The finder needs the address of its queue. Set DRSKIT_QUEUE_URL.")
        return AwsQueue(self.clients.sqs(), self.settings.queue_url)

    def poller(self) -> Poller:
        """A worker that advances every execution of this account."""
        engine = Engine(
            self.store, actor=self.caller[1], fresh_id=self._fresh_id, actions_for=self.actions,
            quiescence=self.settings.quiescence, instruments_for=self.instruments_for,
        )  # fmt: skip
        account_id = self.caller[0]

        def recovery_for(account: str, region: str) -> "DrsRecovery | None":
            return self.recovery(region) if account == account_id else None

        outbox = Outbox(self.store, self.notifier, actor=self.caller[1], account_id=account_id)
        return Poller(self.store, engine, recovery_for, ceilings=self.settings.poll_seconds, outbox=outbox)

    # --- plans -------------------------------------------------------------------------------------------------------

    def preview(
        self,
        runbook: Runbook,
        *,
        replace: tuple[str, ...] = (),
        fast: bool = False,
        ticket: str | None = None,
        override: str | None = None,
    ) -> Preview:
        """What a start of this runbook would do.

        Raises:
            InvalidRunbook: its groups do not fit the servers that DRS has, or its freeze calendar cannot be read.
            GuardRefused: a launch would terminate what is no drill of ours, and was not named.
        """
        region = runbook.plan.region
        recovery = self.recovery(region)
        resolved = self._resolve(runbook)
        doomed_now = self._doomed(region, resolved)
        self._guard(doomed_now, resolved, replace)
        before, groups = self._stored(runbook.plan.plan_id)
        mode = Mode.SIMULATED if recovery.simulated else Mode.REAL
        changes = difference(before, groups, runbook, resolved)
        pins = self._pins(runbook, resolved)
        judgement = self._judged(runbook, ticket, self.store.now()) if runbook.plan.change else None
        return Preview(
            runbook,
            self.caller[0],
            region,
            mode,
            resolved,
            doomed_now,
            changes,
            fast,
            pins,
            replace,
            override,
            judgement,
            forecast=self._forecast(runbook, resolved) if runbook.plan.budget else None,
        )

    def changes(self, runbook: Runbook) -> tuple[str, ...]:
        """What an apply of this runbook would change, a line each; none when nothing.

        Raises:
            InvalidRunbook: its groups do not fit the servers that DRS has.
        """
        resolved = self._resolve(runbook)
        return difference(*self._stored(runbook.plan.plan_id), runbook, resolved)

    def _judged(self, runbook: Runbook, ticket: str | None, now: datetime) -> Judgement | None:
        """How a start at this time stands by the runbook's change control; None where it has none."""
        if runbook.plan.change is None:
            return None
        from drskit.freezes import freezes_of

        return judge(runbook.plan.change, freezes_of(runbook, now), now, ticket)

    def apply(self, runbook: Runbook) -> Applied:
        """Write the runbook's groups and plan to the tables, and tell what that changed.

        Raises:
            InvalidRunbook: its groups do not fit the servers that DRS has.
            LostRace: somebody applied the plan at the same moment.
        """
        resolved = self._resolve(runbook)
        self._judged(runbook, None, self.store.now())  # a calendar that is missing is found by daylight
        budget_of(runbook)  # and so are prices
        before, groups_before = self._stored(runbook.plan.plan_id)
        changes = difference(before, groups_before, runbook, resolved)
        if before is not None and not changes:
            return Applied(runbook.plan.plan_id, before.version, ())
        plan, groups = applied(runbook, resolved, before, by=self.caller[1], at=self.store.now())
        removed = tuple(sorted(set(groups_before) - {group.group.group_id for group in groups}))
        self.store.apply(plan, groups, removed=removed, expected=before.version if before else None)
        return Applied(plan.plan.plan_id, plan.version, changes)

    def _resolve(self, runbook: Runbook) -> tuple[Resolved, ...]:
        servers = self.recovery(runbook.plan.region).source_servers()
        resolved = tuple(resolve(group, servers) for group in runbook.groups)
        check_resolution(runbook, resolved, self.store.list_groups())
        return resolved

    def _stored(self, plan_id: str) -> tuple[AppliedPlan | None, dict[str, AppliedGroup]]:
        plan = self.store.get_plan(plan_id)
        groups = {
            applied_group.group.group_id: applied_group
            for applied_group in self.store.list_groups()
            if applied_group.group.plan_id == plan_id
        }
        return plan, groups

    def _pins(self, runbook: Runbook, resolved: tuple[Resolved, ...]) -> dict[str, RecoverySnapshot]:
        servers = (server for part in resolved for server in part.servers)
        return choose(runbook, self.recovery(runbook.plan.region), servers, self.store.now())

    def _doomed(self, region: str, resolved: tuple[Resolved, ...]) -> tuple[Doomed, ...]:
        return survey(self.recovery(region), (server_id for part in resolved for server_id in part.ids))

    def _guard(
        self,
        found: tuple[Doomed, ...],
        resolved: tuple[Resolved, ...],
        replace: tuple[str, ...],
        *,
        for_real: bool = False,
    ) -> None:
        server_ids = [server_id for part in resolved for server_id in part.ids]
        faults = [
            f"{server_id}: {text}"
            for server_id, text in obstacles(server_ids, found, replace, for_real=for_real).items()
            if text is not None
        ]
        if faults:
            raise GuardRefused("\n".join(faults))

    # --- executions --------------------------------------------------------------------------------------------------

    def slot(self, text: str) -> str:
        """The slot of a scheduled run, as the key of its execution; by the machine's time, as schedulers go by it.

        Raises:
            InvalidInput: it is neither a time nor a cron expression.
        """
        from drskit.cron import slot_key

        return slot_key(text, self.wall_clock.now(), self.local_zone)

    def start(
        self,
        runbook: Runbook,
        *,
        key: str | None = None,
        execution_id: str | None = None,
        apply: bool = False,
        replace: tuple[str, ...] = (),
        fast: bool = False,
        ticket: str | None = None,
        override: str | None = None,
    ) -> Execution:
        """Start a drill and return at once; whoever polls carries it out.

        A start repeated with the same key, or with the id of an execution that exists, finds that execution.

        Args:
            runbook: in simulation it is applied first; against AWS it must say what was applied.
            key: makes the start idempotent.
            execution_id: an id that the caller made; a ULID.
            apply: apply the runbook first, against AWS too.
            replace: EC2 instances that a launch may terminate although they are no drills of ours.
            fast: repeat a launch without a known outcome soon, on DRS's word that no job holds its servers.
            ticket: the change under which it is started.
            override: why it is started although the plan's change control does not allow it now.

        Raises:
            ChangeRefused: its change control does not allow it now, and nobody overrides that.
            InvalidRunbook: its groups or snapshots do not fit what DRS has.
            Refused: it differs from what was applied, a server cannot be launched, or a fast start was asked for and
                the execution that exists is not.
            PlanBusy: an execution of the plan lives.
            GuardRefused: a launch would destroy what somebody needs.
        """
        known = self.started(runbook.plan.plan_id, key=key, execution_id=execution_id, fast=fast)
        if known is not None:
            return known
        drill, plan = self.draw_up(
            runbook, key=key, execution_id=execution_id, apply=apply, replace=replace, fast=fast, ticket=ticket,
            override=override,
        )  # fmt: skip
        return self.create(drill, plan)

    def draw_up(
        self,
        runbook: Runbook,
        *,
        key: str | None = None,
        execution_id: str | None = None,
        apply: bool = False,
        replace: tuple[str, ...] = (),
        fast: bool = False,
        ticket: str | None = None,
        override: str | None = None,
        authority: Authority | None = None,
    ) -> tuple[Execution, AppliedPlan]:
        """The execution that a start would create, and the applied plan that it is of; see `start`.

        With an authority it is a RECOVERY, whose creation the tables refuse unless the authority is consumed by it.
        """
        recovery = self.recovery(runbook.plan.region)
        resolved = self._resolve(runbook)
        mode = Mode.SIMULATED if recovery.simulated else Mode.REAL
        plan, groups = self._applied_for_start(runbook, resolved, apply=apply or mode is Mode.SIMULATED)
        now = self.store.now()
        identity = execution_id or execution_id_for(plan.plan.plan_id, key, self._fresh_id(now))
        judgement = self._judged(runbook, ticket, now)
        change = permitted(plan.plan.plan_id, judgement, override=override, by=self.caller[1]) if judgement else None
        doomed_now = self._doomed(runbook.plan.region, resolved)
        self._guard(doomed_now, resolved, replace, for_real=authority is not None)
        pins = self._pins(runbook, resolved)
        execution = new_execution(
            plan, groups, resolved, execution_id=identity, mode=mode, account_id=self.caller[0],
            started_by=self.caller[1], at=now, key=key, replace=replace, fast=fast, snapshots=pins, change=change,
            authority=authority, budget=budget_of(runbook),
        )  # fmt: skip
        return execution, plan

    def started(
        self, plan_id: str, *, key: str | None = None, execution_id: str | None = None, fast: bool = False
    ) -> Execution | None:
        """The execution that a start with this key or id finds, whatever became of the runbook since; None when none.

        Raises:
            Refused: it is one of another plan, or a fast start was asked for and it is not.
        """
        name = execution_id or (execution_id_for(plan_id, key, "") if key is not None else None)
        found = self.find(name) if name else None
        return self._same_start(found, plan_id, fast=fast) if found else None

    def create(self, execution: Execution, plan: AppliedPlan, *, secret: str | None = None) -> Execution:
        """Create what was drawn up, or find it; a RECOVERY only with the secret half of its token.

        Raises:
            NotAuthorized: it is a RECOVERY, and its authorisation is not good for it.
            PlanBusy: an execution of the plan lives.
        """
        from drskit.store.limits import ensure_fits

        execution, event = first_event(execution)
        ensure_fits(execution)
        try:
            self.store.create(execution, (event,), begun=plan.begun, secret=secret)
        except AlreadyExists:
            return self._same_start(self.store.load(execution.execution_id), plan.plan.plan_id, fast=execution.fast)
        self._wake(execution)
        return execution

    def _wake(self, execution: Execution) -> None:
        """Let somebody look soon; what was recorded counts all the same, and a lost wake costs one wait."""
        with suppress(Unavailable):
            self.poller().wake(execution.account_id, execution.region)

    def _same_start(self, execution: Execution, plan_id: str, *, fast: bool) -> Execution:
        if execution.plan_id != plan_id:
            raise Refused(
                f"Execution {execution.execution_id} is one of plan {execution.plan_id}, not of {plan_id}. "
                "Choose another id."
            )
        if fast and not execution.fast:
            raise Refused(
                f"Execution {execution.execution_id} is not fast, and goes on as it began. Leave --fast out, or start "
                "under another key."
            )
        return execution

    def _applied_for_start(
        self, runbook: Runbook, resolved: tuple[Resolved, ...], *, apply: bool
    ) -> tuple[AppliedPlan, dict[str, AppliedGroup]]:
        before, groups = self._stored(runbook.plan.plan_id)
        if before is None or _said(before, groups) != runbook.digest:
            if not apply:
                changes = difference(before, groups, runbook, resolved)
                raise Refused(
                    f"{runbook.source} differs from the applied plan {runbook.plan.plan_id}: {'; '.join(changes)}. "
                    "Run `drskit apply` first, or add --apply."
                )
            with suppress(LostRace):  # somebody else applied it at this moment; what stands there now decides
                self.apply(runbook)
            before, groups = self._stored(runbook.plan.plan_id)
            if before is not None and _said(before, groups) != runbook.digest:
                raise Refused(f"Plan {runbook.plan.plan_id} was applied by somebody else at this moment. Start again.")
        if before is None:
            raise Refused(f"Plan {runbook.plan.plan_id} was deleted at this moment. Start again.")
        return before.model_copy(update={"digest": _said(before, groups)}), groups

    def command(
        self,
        execution_id: str,
        kind: CommandKind,
        *,
        reason: str,
        wave: str | None = None,
        servers: tuple[str, ...] = (),
        edit: WaveEdit | None = None,
        stand_in: bool = False,
    ) -> Execution:
        """Tell an execution something; the engine obeys at its next pass.

        Args:
            execution_id: the execution.
            kind: what is told; `retry` also reopens an execution that ended badly.
            reason: why; it is kept with the execution.
            wave: the wave that it is about.
            servers: source servers, where a retry or a skip is about some only.
            edit: of an edit, what it makes of the wave; see `editing.edit`.
            stand_in: of a simulated execution: where the caller may not approve, say yes for those who may.

        Raises:
            NotFound: there is no such execution, wave or server.
            Refused: it makes no sense in the execution's present state.
            PlanBusy: it would reopen the execution, and another one of the plan lives.
        """
        if not plain(reason):
            raise InvalidInput("A command needs a reason: it is kept with the execution. Add --reason.")
        if (kind is CommandKind.EDIT) is (edit is None):
            raise InvalidInput("An edit says what it makes of a wave, and no other command does.")
        first: tuple[Command, str] | None = None
        for _ in range(COMMAND_TRIES):
            before = self.store.load(execution_id)
            if first is not None and _holds(before, first[0]):
                return before  # an earlier try was recorded, and its reply was lost
            now = self.store.now()
            command = Command(
                command_id=first[0].command_id if first else self._fresh_id(now), kind=kind,
                wave_name=target(before, kind, wave, servers),
                server_ids=servers, edit=edit, by=self.caller[1], at=now, reason=reason,
            )  # fmt: skip
            if stand_in and before.mode is Mode.SIMULATED and answer_now(before, command).startswith(REFUSED):
                command = command.model_copy(update={"by": STAND_IN})
            answer = _ask_first(before, command)
            if edit is not None:
                _refuse_too_large(before, command)
            first = first or (command, answer)
            _refuse_another_meaning(execution_id, first, (command, answer))
            after = told(before, command)
            check(before, after)
            after, events = narrate(before, after, now=now, actor=self.caller[1])
            try:
                self.store.commit(before, after, events)
            except LostRace:
                continue
            self._wake(after)
            return after
        raise Refused(f"Execution {execution_id} changed too quickly. Try again.")

    def forecast(self, runbook: Runbook) -> "Forecast":
        """How long a drill of this runbook would take, and what it would cost; nothing is started.

        Raises:
            InvalidRunbook: its groups do not fit the servers that DRS has, or its prices cannot be read.
        """
        servers = self.recovery(runbook.plan.region).source_servers()
        resolved = tuple(resolve(group, servers) for group in runbook.groups)
        check_resolution(runbook, resolved)  # without the groups of other plans: no table is needed
        return self._forecast(runbook, resolved)

    def _forecast(self, runbook: Runbook, resolved: tuple[Resolved, ...]) -> "Forecast":
        from drskit.forecast import forecast

        plan, quotas = runbook.plan, self.recovery(runbook.plan.region).quotas(self.clock.now())
        return forecast(plan, resolved, prices_of(runbook), self._last_drill(plan.plan_id), quotas)

    def _last_drill(self, plan_id: str) -> Execution | None:
        """The newest drill of a plan that is over; None where there is none, or no table either."""
        with suppress(MissingTables):
            for header in self.executions(plan_id)[0]:
                if header.execution_type is ExecutionType.DRILL and header.status in FINAL_EXECUTION:
                    return self.find(header.execution_id)
        return None

    def try_notifications(self, runbook: Runbook) -> tuple[tuple[NotifyTarget, Outcome], ...]:
        """Send a test to everybody whom a runbook tells what happens, and what came of each; nothing is recorded.

        Raises:
            InvalidInput: the runbook names nobody.
        """
        from drskit.messages import trial_message

        plan = runbook.plan
        if not plan.notify:
            raise InvalidInput(f"{runbook.source} names nobody to be told. Add `notify`: docs/notifications.md.")
        recovery = self.recovery(plan.region)
        recovery.probe()
        mode = Mode.SIMULATED if recovery.simulated else Mode.REAL
        now = self.clock.now()
        message = trial_message(
            plan.plan_id, mode, self.caller[0], plan.region, now, number=f"{self._fresh_id(now)}-test"
        )
        return tuple((target, self.notifier.send(target.address, message)) for target in plan.notify)

    # --- cleanup -----------------------------------------------------------------------------------------------------

    def cleanup_preview(self, execution_id: str) -> CleanupPreview:
        """What a cleanup of this drill would terminate, and what it would leave alone.

        Raises:
            NotFound: there is no such execution.
            Refused: it is a cleanup, or it is not over.
            Unavailable: DRS or EC2 could not be asked.
        """
        return preview_cleanup(self.store, self.recovery, self.store.load(execution_id), self.caller[0])

    def cleanup(
        self, execution_id: str, *, reason: str, preview: CleanupPreview | None = None, typed: str | None = None
    ) -> Execution | None:
        """Start to terminate the instances of a drill that is over, and return at once; whoever polls carries it out.

        A cleanup of the same drill that lives is taken up. What is proven to be gone already is written into the
        drill's record.

        Args:
            execution_id: the drill.
            reason: why; it is kept with the cleanup.
            preview: what a person agreed to; nothing else is terminated.
            typed: of a RECOVERY, the words of `preview.to_type` as a person typed them.

        Returns:
            The cleanup; None when nothing is left to terminate.

        Raises:
            NotFound: there is no such execution.
            NotConfirmed: it is a RECOVERY, and the words that its instances may go were not typed.
            Refused: it is a cleanup, it is not over, or what is left is not drskit's to terminate.
            PlanBusy: another execution of the plan lives.
            Unavailable: DRS or EC2 could not be asked.
        """
        if not plain(reason):
            raise InvalidInput("A cleanup needs a reason: it is kept with the execution. Add --reason.")
        found = preview or self.cleanup_preview(execution_id)
        cleanup = start_cleanup(self.store, found, reason=reason, by=self.caller[1], typed=typed)
        if cleanup is not None:
            self._wake(cleanup)
        return cleanup

    def find(self, execution_id: str) -> Execution | None:
        """The execution, or None when there is none of that id."""
        try:
            return self.store.load(execution_id)
        except NotFound:
            return None

    def live_execution(self, plan_id: str) -> str | None:
        """The id of the plan's execution that is not over; None when there is none, or no table either."""
        try:
            plan = self.store.get_plan(plan_id)
        except MissingTables:
            return None
        return plan.active_execution_id if plan else None

    def history(self, execution_id: str) -> tuple[Execution, tuple[Event, ...], tuple[JobLog, ...]]:
        """An execution with its events and job logs; read again while somebody writes it."""
        for _ in range(COMMAND_TRIES):
            execution = self.store.load(execution_id)
            events, logs = self.store.events(execution_id), self.store.job_logs(execution_id)
            if len(events) == execution.events or self.store.load(execution_id).version == execution.version:
                break
        return execution, events, logs

    def executions(self, plan_id: str | None = None) -> tuple[tuple[ExecutionHeader, ...], tuple[Malformed, ...]]:
        """All executions, newest first, and the items that cannot be read."""
        found = tuple(self.store.list_executions(plan_id))
        headers = tuple(item for item in found if isinstance(item, ExecutionHeader))
        return headers, tuple(item for item in found if isinstance(item, Malformed))

    def running_instances(
        self, headers: tuple[ExecutionHeader, ...]
    ) -> tuple[dict[str, RunningInstances], tuple[str, ...]]:
        """What each finished drill among these left running, and the executions of which that cannot be told.

        Which servers a newer drill launched again, and what is not in a header, is read from the executions.
        """
        unknown: list[str] = []
        return running_instances(headers, self._reading(unknown)), tuple(unknown)

    def launched_again(self, execution: Execution) -> frozenset[str]:
        """The servers of a finished drill that a newer execution launched again, if that drill left anything."""
        if left_running(execution) is None:
            return frozenset()
        return launched_again(self.executions(execution.plan_id)[0], execution, self._reading([]))

    def _reading(self, unknown: list[str]) -> Callable[[ExecutionHeader], Execution | None]:
        def read(header: ExecutionHeader) -> Execution | None:
            known = self._over.get(header.execution_id)
            if known is not None and known.version >= header.version:
                return known
            try:
                execution = self.store.load(header.execution_id)
            except (NotFound, Malformed):
                unknown.append(header.execution_id)
                return None
            if execution.end_time is not None:  # a list that refreshes asks for the same thousand again
                self._over[header.execution_id] = execution
            return execution

        return read

    def servers(self, region: str | None = None) -> tuple[SourceServer, ...]:
        """The source servers of a Region; the session's own when none is named.

        Raises:
            InvalidInput: that is no Region.
        """
        if region is not None and not REGION.fullmatch(region):
            raise InvalidInput(f"{region!r} is no AWS Region. Write for example us-west-2.")
        return self.recovery(region or self._need_region("DRS")).source_servers()

    # --- tables ------------------------------------------------------------------------------------------------------

    def create_tables(self) -> list[str]:
        """Create the tables or bring them up to date; what was done, a line each."""
        from drskit.store.tables import create_tables

        self._need_region("the tables")
        client = self.clients.dynamodb()
        return create_tables(client, self.clock, prefix=self.settings.table_prefix, env=self.settings.env)

    def check_tables(self) -> list[str]:
        """How the tables differ from what drskit needs; a line each, none when they fit."""
        from drskit.store.tables import check_tables

        self._need_region("the tables")
        return check_tables(self.clients.dynamodb(), prefix=self.settings.table_prefix, env=self.settings.env)

    def _need_region(self, what: str) -> str:
        region = self.settings.region or self.clients.region
        if not region:
            raise InvalidInput(f"No Region is set for {what}. Set AWS_REGION, or choose a profile that names one.")
        return region


def _said(plan: AppliedPlan, groups: Mapping[str, AppliedGroup]) -> str:
    """The digest of an applied plan as this drskit computes it; an earlier one may have written down another."""
    return runbook_digest(plan.plan, tuple(applied_group.group for applied_group in groups.values()))


def _holds(execution: Execution, command: Command) -> bool:
    return any(other.command_id == command.command_id for other in execution.commands)


def _refuse_another_meaning(execution_id: str, first: tuple[Command, str], now: tuple[Command, str]) -> None:
    """A person decided on what they saw: the same words may do something else by now."""
    if (first[0].wave_name, first[1]) != (now[0].wave_name, now[1]):
        raise Refused(
            f"Execution {execution_id} changed at this moment: {first[0].kind} would have said {first[1]!r}, and says "
            f"{now[1]!r} now. Nothing was recorded. Look at it again, then decide."
        )


def _refuse_too_large(execution: Execution, command: Command) -> None:
    """An edit makes nothing that the tables could not hold to its end."""
    from drskit.store.limits import ensure_fits

    ensure_fits(amend(execution, command, command.at)[0])


def _ask_first(execution: Execution, command: Command) -> str:
    """What the engine would answer at its next pass; what it would refuse is refused now."""
    answer = answer_now(execution, command)
    if answer.startswith(REFUSED):
        waits = f" It waits for {execution.waiting_for}" if execution.waiting_for else ""
        reason = answer.removeprefix(REFUSED)
        raise Refused(f"Execution {execution.execution_id}: {reason}.{waits}".rstrip(".") + ".")
    return answer
