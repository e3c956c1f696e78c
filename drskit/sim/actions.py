"""Post-launch actions: SSM documents that DRS runs on what it has launched.

They run one after the other in their order, once the SSM agent is seen; a
failure of one that is not optional fails the launch (drs-facts §8).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from drskit.sim.ids import Ids
from drskit.sim.spec import ServerSpec, span

AUTOMATIONS = frozenset(
    {"AWS-CreateImage", "AWSMigration-ConvertCentOsToRockyLinuxDistribution", "AWSMigration-ValidateHttpResponse"}
)
"""Documents that run as automations; DRS reads it off the document, which a simulator does not have."""


@dataclass(frozen=True)
class LaunchAction:
    """A post-launch action of a source server, or of the account's template."""

    id: str
    code: str
    name: str
    order: int
    version: str
    category: str
    description: str
    active: bool
    optional: bool
    parameters: dict[str, dict[str, str]]

    @property
    def kind(self) -> str:
        """DRS's LaunchActionType."""
        return "SSM_AUTOMATION" if self.code in AUTOMATIONS or "Automation" in self.code else "SSM_COMMAND"


@dataclass(frozen=True)
class ActionRun:
    """One run of an action."""

    id: str
    action: LaunchAction
    begins_at: datetime
    ends_at: datetime
    failure: str | None = None

    def status(self, now: datetime) -> str:
        """DRS's LaunchActionRunStatus."""
        if now < self.ends_at:
            return "IN_PROGRESS"
        return "FAILED" if self.failure else "SUCCEEDED"


@dataclass(frozen=True)
class ActionPlan:
    """The actions of one launched server."""

    agent_at: datetime
    runs: tuple[ActionRun, ...]

    @property
    def ends_at(self) -> datetime:
        """When the last one is over."""
        return self.runs[-1].ends_at if self.runs else self.agent_at

    @property
    def fails_launch(self) -> bool:
        """Whether one failed that is not optional."""
        return any(run.failure and not run.action.optional for run in self.runs)


def plan_actions(
    server: ServerSpec, actions: Sequence[LaunchAction], *, ids: Ids, job_id: str, launched_at: datetime
) -> ActionPlan:
    """When each action runs, and how it ends; after a failure that fails the launch nothing more runs."""
    rules = server.post_launch
    agent_at = at = launched_at + span(rules.agent_after)
    runs: list[ActionRun] = []
    for action in sorted(actions, key=lambda one: (one.order, one.id)):
        failure = next((rules.fails[key] for key in (action.id, action.name, action.code) if key in rules.fails), None)
        run_id = ids.uuid("run", job_id, server.id, action.id)
        runs.append(ActionRun(run_id, action, at, at + span(rules.each), failure))
        at = runs[-1].ends_at
        if failure and not action.optional:
            break
    return ActionPlan(agent_at, tuple(runs))
