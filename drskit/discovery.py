"""Source servers as a notebook sees them: who protects them, what stands in the way, and groups made of them."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from drskit.draft import PlanDraft, draft_of, new_runbook, with_names
from drskit.errors import DrskitError, InvalidInput, InvalidRunbook, MissingTables, NotFound
from drskit.model import AppliedGroup, Job, Mode, SourceServer
from drskit.notebook import Told, checked, enter, listed, person_is_there
from drskit.planning import resolve
from drskit.recoverable import Closer, Facts
from drskit.resources import find_file, find_world
from drskit.runbookfile import Saved, near, place_of, read_if_any, save_runbook
from drskit.session import Session
from drskit.views.board import render_mode
from drskit.views.notices import difference_html
from drskit.views.servers import (
    ServerLine,
    line_text,
    matching,
    server_lines,
    summary_html,
    table_html,
    troubles_html,
)
from drskit.views.words import moment, printable
from drskit.written import NAME
from drskit.yamlfile import Data

if TYPE_CHECKING:
    from drskit.aws.closer import CloserLook

ASKED_CLOSER = 100
"""Servers that DRS is asked about one by one at the first look, two calls each; others once they are shown."""
RUNNING_JOBS = timedelta(days=7)
"""How far back running jobs are looked for: one that hangs longer is a matter for AWS's support."""


class DiscoveryParameters(BaseModel):
    """The parameters of `01-discover-servers`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    simulate: bool = True
    world: str = "estate"
    region: str = ""
    show_only: str = ""
    runbook: str = ""
    plan: str = ""
    group: str = ""
    servers: Annotated[list[str], BeforeValidator(listed)] = Field(default_factory=list)
    tags: Annotated[list[str], BeforeValidator(listed)] = Field(default_factory=list)


def open_discovery(**parameters: object) -> "Discovery":
    """Open a discovery: check the parameters, and find the world.

    Raises:
        InvalidInput: a parameter is unknown or not valid, or two contradict each other.
    """
    wanted = checked(DiscoveryParameters, parameters)
    if wanted.servers and wanted.tags:
        raise InvalidInput("servers and tags are two ways to choose. Leave one of them empty.")
    if bool(wanted.group) != bool(wanted.runbook):
        raise InvalidInput("A group needs the runbook that it is written into, and a runbook the group. Name both.")
    if wanted.group and not (wanted.servers or wanted.tags):
        raise InvalidInput(f"Group {wanted.group} needs servers or tags. Name some, or leave group empty.")
    session = enter(find_world(wanted.world) if wanted.simulate else None)
    return Discovery(session, wanted)


@dataclass(frozen=True)
class Estate:
    """The source servers of a Region at one moment."""

    mode: Mode
    account_id: str
    region: str
    now: datetime
    lines: tuple[ServerLine, ...]

    @property
    def seen(self) -> str:
        """When it was looked at."""
        return moment(self.now)


@dataclass(frozen=True)
class Seen:
    """What one look at DRS and the tables told of all servers."""

    mode: Mode
    servers: tuple[SourceServer, ...]
    members: dict[str, list[str]]
    now: datetime
    jobs: tuple[Job, ...]


@dataclass(frozen=True)
class Proposal:
    """A runbook's text with a group in it, before anybody wrote it."""

    path: Path
    before: str | None
    """What the file says; None when there is none yet."""
    draft: PlanDraft
    remark: str = ""
    """What is still to be done for it."""


class Discovery:
    """What one notebook found, and the groups that it makes."""

    def __init__(self, session: Session, parameters: DiscoveryParameters) -> None:
        self.session = session
        self.parameters = parameters
        if parameters.simulate:
            session.require_simulated(self.region)
            session.create_tables()
        self._closer: dict[str, Closer] = {}
        self._seen: Seen | None = None
        self._error: DrskitError | None = None

    @property
    def region(self) -> str:
        """Where DRS is asked."""
        region = self.parameters.region or self.session.settings.region or self.session.clients.region
        if not region:
            raise InvalidInput("No Region is set for DRS. Set AWS_REGION, or the parameter region.")
        return region

    def is_live(self) -> bool:
        """Whether a person's front end is attached."""
        return person_is_there(self.session.settings.ui)

    # --- looking -----------------------------------------------------------------------------------------------------

    def look(self, wanted: str | None = None) -> Estate:
        """Ask DRS for all source servers, and about the first of those that fit the filter one by one.

        Raises:
            Unavailable: DRS could not be asked.
        """
        recovery = self.session.recovery(self.region)
        servers = recovery.source_servers()
        now = self.session.clock.now()
        jobs = recovery.jobs(since=now - RUNNING_JOBS)
        self._seen = Seen(Mode.SIMULATED if recovery.simulated else Mode.REAL, servers, self._members(), now, jobs)
        self._closer = {}  # what was told before is not known as of now
        show_only = self.parameters.show_only if wanted is None else wanted
        chosen = matching(server_lines(servers, self._seen.members, Facts(now)), show_only)
        return self.ask_about(line.server.source_server_id for line in chosen[:ASKED_CLOSER])

    def not_asked(self, server_ids: Iterable[str]) -> list[str]:
        """Those of these servers that DRS was not asked about one by one."""
        return [server_id for server_id in server_ids if server_id not in self._closer]

    def ask_about(self, server_ids: Iterable[str]) -> Estate:
        """What was found, and what DRS tells of each of these servers now.

        Raises:
            Unavailable: DRS could not be asked.
        """
        seen = self._seen
        assert seen is not None
        self._closer |= self._closer_look.ask(server_ids)
        lines = server_lines(seen.servers, seen.members, Facts(seen.now, seen.jobs, self._closer))
        return Estate(seen.mode, self.session.caller[0], self.region, seen.now, lines)

    @cached_property
    def _closer_look(self) -> "CloserLook":
        from drskit.aws.closer import CloserLook

        return CloserLook(self.session.clients.reader("drs", self.region), self.region)

    def _members(self) -> dict[str, list[str]]:
        """The groups of each server, as applied."""
        members: dict[str, list[str]] = {}
        for applied in self.applied_groups():
            if applied.group.region == self.region:
                for server_id in applied.resolved:
                    members.setdefault(server_id, []).append(applied.group.group_id)
        return members

    def applied_groups(self) -> tuple[AppliedGroup, ...]:
        """The groups in the tables; none when there are no tables yet."""
        try:
            return tuple(self.session.store.list_groups())
        except MissingTables:
            return ()

    @cached_property
    def estate(self) -> Estate:
        """What was found when the notebook first looked."""
        return self.look()

    # --- what a notebook calls ---------------------------------------------------------------------------------------

    def show(self) -> object:
        """The servers: with boxes to tick where a person is, else as a table."""
        from drskit.views.discover_panel import DiscoverPanel

        if self.is_live():
            return DiscoverPanel(self).shown()
        return self._told(self._table)

    def troubles(self) -> Told:
        """What cannot be recovered, and why."""
        return self._told(self._troubles)

    def build(self) -> Told:
        """Write the group that the parameters ask for into its runbook; they may ask for none."""
        if not self.parameters.group:
            return Told("No group was asked for: tick servers above, or set runbook, group, and servers or tags.")
        return self._told(self._built)

    def judge(self) -> None:
        """Raise what went wrong, in the last cell.

        Raises:
            DrskitError: a cell above could not do what it was asked.
        """
        if self._error is not None:
            raise self._error

    def _told(self, work: Callable[[], Told]) -> Told:
        try:
            return work()
        except DrskitError as error:  # the last cell raises, no other
            self._error = self._error or error
            return Told(str(error), error=error)

    def _table(self) -> Told:
        estate = self.estate
        lines = matching(estate.lines, self.parameters.show_only)
        text = "\n".join([f"{estate.mode} {estate.region}", *map(line_text, lines)])
        return Told(text, render_mode(estate.mode) + summary_html(lines, len(estate.lines)) + table_html(lines))

    def _troubles(self) -> Told:
        lines = matching(self.estate.lines, self.parameters.show_only)
        unasked = len(self.not_asked(line.server.source_server_id for line in lines))
        text = "\n".join(line_text(line) for line in lines if line.findings) or "Nothing stands in the way."
        return Told(text, troubles_html(lines, unasked))

    def _built(self) -> Told:
        wanted = self.parameters
        proposal = self.propose(wanted.runbook, wanted.group, servers=wanted.servers, tags=wanted.tags)
        html = difference_html(proposal.before or "", proposal.draft.text)
        told = f"{self.write(proposal)} {proposal.remark}".strip()
        return Told(told, f"<p><b>{escape(printable(told))}</b></p>{html}")

    # --- groups ------------------------------------------------------------------------------------------------------

    def propose(
        self, runbook: str, group: str, *, servers: Sequence[str] = (), tags: Sequence[str] = (), plan: str = ""
    ) -> Proposal:
        """The runbook with the group in it; nothing is written.

        Args:
            runbook: the file's name; one that does not exist is a new one.
            group: the group, new or not.
            servers: ids or names of source servers that join it.
            tags: `key=value` each; the group takes every server that carries them all.
            plan: the plan's name in a new file; the file's own when empty.

        Raises:
            NotFound: DRS has no such server.
            InvalidRunbook: the file is no runbook, or the group chooses by tags.
        """
        ids = [self._server_id(name) for name in servers]
        found = _found(runbook)
        path = place_of(runbook, found, Path.cwd())
        before = read_if_any(path)
        text = before if before is not None else read_if_any(found) if found else None
        if text is None:
            return Proposal(path, None, self._new(path, group, ids, tags, plan or self.parameters.plan))
        draft = draft_of(text, source=near(path))
        changed = draft.with_tags(group, _tags(tags)) if tags else draft.with_servers(group, ids)
        return Proposal(path, before, self._named(changed, ids), _remark(changed, group))

    def _new(self, path: Path, group: str, ids: list[str], tags: Sequence[str], plan: str) -> PlanDraft:
        select: dict[str, Data] = {"tags": dict[str, Data](_tags(tags))} if tags else {"servers": list[Data](ids)}
        name = plan or path.stem
        if not NAME.fullmatch(name):
            raise InvalidInput(f"{name!r} cannot name a plan. Write lower-case letters, digits, dots and dashes.")
        return self._named(draft_of(new_runbook(name, self.region, group, select), source=near(path)), ids)

    def _named(self, draft: PlanDraft, ids: Iterable[str]) -> PlanDraft:
        """With the names of the servers that came in beside their ids."""
        chosen = set(ids)
        names = {line.server.source_server_id: line.server.name for line in self.estate.lines}
        return draft.typed(with_names(draft.text, {key: name for key, name in names.items() if key in chosen}))

    def _server_id(self, name: str) -> str:
        found = [line.server for line in self.estate.lines if name in (line.server.source_server_id, line.server.name)]
        if len(found) != 1:
            what = "no source server" if not found else f"{len(found)} source servers"
            raise NotFound(f"DRS has {what} {name} in {self.region}. Name one by its id, as in the table above.")
        return found[0].source_server_id

    def write(self, proposal: Proposal, *, overwrite: bool = False) -> Saved:
        """Write a proposed runbook, when it is valid and its group fits the servers that DRS has.

        Raises:
            InvalidRunbook: it is not, or a server is in a group already; nothing is written.
            ChangedMeanwhile: the file says something else than when it was proposed.
        """
        draft = proposal.draft
        if draft.runbook is not None:
            self._check_members(draft)
        return save_runbook(proposal.path, draft.text, expected=proposal.before, overwrite=overwrite)

    def _check_members(self, draft: PlanDraft) -> None:
        """A server is in one group at most, over all plans."""
        assert draft.runbook is not None
        servers = tuple(line.server for line in self.estate.lines)
        others = {
            server_id: applied.group.group_id
            for applied in self.applied_groups()
            if applied.group.plan_id != draft.plan_id
            for server_id in applied.resolved
        }
        complaints = [
            draft.runbook.complaint(
                f"groups.{group.name}.select",
                f"{server_id} is in group {others[server_id]} already; a server is in one group at most. Leave it out.",
            )
            for group in draft.runbook.groups
            for server_id in resolve(group, servers).ids
            if server_id in others
        ]
        if complaints:
            raise InvalidRunbook(tuple(complaints))


def _remark(draft: PlanDraft, group: str) -> str:
    """A group in no wave is launched by nobody."""
    listed_in = [wave for wave in draft.waves if group in (wave.get("groups") or ())]
    return "" if listed_in else f"Group {group} is in no wave yet: give it one with 02-plan-a-recovery."


def _tags(pairs: Sequence[str]) -> dict[str, str]:
    found = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not (equals and key.strip()):
            raise InvalidInput(f"{pair!r} is no tag. Write key=value.")
        found[key.strip()] = value.strip()
    return found


def _found(runbook: str) -> Path | None:
    try:
        return find_file(runbook)
    except InvalidInput:
        if Path(runbook).is_dir() or Path(runbook).suffix not in {".yaml", ".yml"}:
            raise
        return None
