"""What every operation shares: its request, its answer, and its entry in the catalogue."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from drskit.sim import refusals
from drskit.sim.admission import SERVER_ID
from drskit.sim.records import SourceServer
from drskit.sim.wire import Json, Scribe, page
from drskit.sim.world import World


@dataclass(frozen=True)
class Call:
    """A request to DRS at an instant."""

    world: World
    now: datetime
    operation: str
    request: Json

    @property
    def scribe(self) -> Scribe:
        """Writes the world as it is now."""
        return Scribe(self.world, self.now)

    @property
    def filters(self) -> Json:
        """The filters; none is like `{}`."""
        filters: Json = self.take("filters", dict, {})
        return filters

    def take(self, name: str, kind: type, default: Any = None) -> Any:
        """A member of the request, of a JSON type."""
        value = self.request.get(name)
        if value is None:
            return default
        if not isinstance(value, kind):
            raise refusals.invalid(f"{name} has the wrong type", name=name, reason="cannotParse")
        return value

    def need(self, name: str, kind: type) -> Any:
        """A member that must be there."""
        value = self.take(name, kind)
        if value is None:
            raise refusals.invalid(f"{name} is required", name=name)
        return value

    def server(self) -> SourceServer:
        """The source server that the request names."""
        server_id = self.need("sourceServerID", str)
        if not SERVER_ID.match(server_id):
            raise refusals.invalid(f"'{server_id}' is not a source server id", name="sourceServerID")
        return self.world.server(server_id)

    def tags(self, default: dict[str, str] | None = None) -> dict[str, str]:
        """The tags of the request."""
        tags = self.take("tags", dict, default)
        if tags is None or not all(isinstance(value, str) for value in tags.values()):
            raise refusals.invalid("Invalid request provided: Tags", name="tags")
        return dict(tags)

    def within(self, at: datetime, begin: datetime | None, end: datetime | None) -> bool:
        """Whether a time lies between the bounds of a filter."""
        if self.world.spec.behaviour.dates_inclusive:
            return (begin is None or at >= begin) and (end is None or at <= end)
        return (begin is None or at > begin) and (end is None or at < end)

    def paged(
        self, things: list[Any], *, name: Callable[[Any], str], write: Callable[[Any], Json], key: str = "items"
    ) -> Json:
        """One page of things."""
        size = self.world.spec.behaviour.page_size
        shown, more = page(things, self.request, size=size, name=name, operation=self.operation)
        return {key: [write(thing) for thing in shown], **more}


@dataclass(frozen=True)
class Answer:
    """What goes back."""

    status: int
    body: Json


def time_of(filters: Json, name: str) -> datetime | None:
    """A time of a filter; both spellings of UTC are read."""
    text = filters.get(name)
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(str(text))
    except ValueError as error:
        raise refusals.invalid(f"{name} is not a time", name=name, reason="cannotParse") from error
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


@dataclass(frozen=True)
class Operation:
    """An operation as the catalogue has it; `docs/simulator-operations.md` is printed from these."""

    name: str
    carry_out: Callable[[Call], Json]
    source: str
    """Where its behaviour is from, with the confidence of each part: D documented, C an example of AWS's, O observed,
    T tested, F told by others, I inferred by us."""
    status: int = 200
    """The HTTP status of success (drs-facts §2)."""
    lacks: str = ""
    """What the real one does and this one does not; it makes the operation partly simulated."""
