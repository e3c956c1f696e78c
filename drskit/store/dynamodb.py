"""The tables in DynamoDB.

Truth is the base table, read consistently; the indexes are hints. Every write
is conditional and knows itself again when its reply was lost.
"""

import secrets
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import datetime
from decimal import Decimal
from heapq import merge
from typing import TYPE_CHECKING

from drskit.bounds import TEXT_BYTES, shortened
from drskit.errors import LostRace, Malformed, NotFound, Unavailable
from drskit.model import (
    Cadence,
    Event,
    Execution,
    ExecutionHeader,
    ExecutionStatus,
    JobLog,
    JobLogEntry,
    Outstanding,
    utc,
)
from drskit.store import codec, names, wire
from drskit.store.attributes import Item, to_item
from drskit.store.authorizations import Authorizations
from drskit.store.commits import Commits, is_mine
from drskit.store.expressions import (
    at_least,
    at_most,
    below,
    between,
    change,
    equals,
    missing,
    present,
    same,
    version_is,
    without,
)
from drskit.store.known import Known
from drskit.store.plans import Plans
from drskit.store.wire import Wire

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

READS = 5
"""How often an execution is read that is being written at the same moment."""
TAIL = 25
"""Items of a page when only the end of a history is asked for."""


class DynamoDbStore(Plans, Commits, Authorizations):
    """`Store` over the three tables of one environment."""

    def __init__(self, client: "DynamoDBClient", *, prefix: str = names.PREFIX, env: str = names.ENV) -> None:
        tables = names.TableNames.of(prefix, env)
        Plans.__init__(self, Wire(client), tables)
        Commits.__init__(self, self._wire, tables)
        Authorizations.__init__(self, self._wire, tables)
        self._known = Known()

    def now(self) -> datetime:
        """The time of DynamoDB's last reply; the first call asks for one."""
        if self._wire.date() is None:
            self._wire.get(self._tables.plans, {"PlanId": {"S": "#NOW"}})
        date = self._wire.date()
        if date is None:
            raise Unavailable("DynamoDB's replies carry no Date, so nobody can tell the time. Use another endpoint.")
        return date

    # executions

    def load(self, execution_id: str) -> Execution:
        """See `Store.load`."""
        everything = equals("ExecutionId", execution_id) & below("PlanId", codec.HISTORY)
        versions: set[str | None] = set()
        for _ in range(READS):
            items = list(self._wire.query(self._tables.history, everything))
            header = next((item for item in items if "#" not in item["PlanId"]["S"]), {})
            if not header:
                raise no_execution(execution_id)
            versions.add(header.get("Version", {}).get("N"))
            execution = self._known.assembled(execution_id, items)
            if execution is not None:
                return execution
        if len(versions) > 1:
            raise Unavailable(f"Execution {execution_id} is being written all the time. Read it again.")
        key = codec.item_key(execution_id, header["PlanId"]["S"])
        raise Malformed(key, "its child items do not add up to what the header says")

    def events(self, execution_id: str, *, after: int = 0) -> tuple[Event, ...]:
        """See `Store.events`."""
        history = equals("ExecutionId", execution_id) & between(
            "PlanId", codec.event_key(0), codec.event_key(10**12 - 1)
        )
        page = TAIL if after else None
        found: list[Event] = []
        apart: dict[str, Item] = {}
        for item in self._wire.query(self._tables.history, history, newest_first=True, page=page):
            if "@" in item["PlanId"]["S"]:
                apart[item["PlanId"]["S"]] = item
                continue
            found[:0] = [event for whole in _with_parts(item, apart) for event in _events(whole)]
            apart.clear()
            if found[0].sequence <= after + 1:
                break
        return tuple(event for event in found if event.sequence > after)

    def job_logs(self, execution_id: str) -> tuple[JobLog, ...]:
        """See `Store.job_logs`."""
        range_ = equals("ExecutionId", execution_id) & between("PlanId", "~LOG#", "~LOG#~")
        logs: dict[str, JobLog] = {}
        for item in self._wire.query(self._tables.history, range_):
            key = codec.item_key(execution_id, item["PlanId"]["S"])
            values = codec.record(key, item)
            entries = tuple(codec.validated(JobLogEntry, key, entry) for entry in codec.listed(key, values, "Entries"))
            about = {name: values[name] for name in ("JobId", "WaveName") if name in values}
            part = codec.validated(JobLog, key, about | {"Entries": ()})
            log = logs.setdefault(part.job_id, part)
            logs[log.job_id] = log.model_copy(update={"entries": log.entries + entries})
        return tuple(logs.values())

    def find(
        self, statuses: Iterable[ExecutionStatus], since: datetime | None = None
    ) -> Iterator[ExecutionHeader | Malformed]:
        """See `Store.find`."""
        for status in statuses:
            yield from map(_header, self._of_status(status, since))

    def list_executions(self, plan_id: str | None = None) -> Iterator[ExecutionHeader | Malformed]:
        """See `Store.list_executions`; by the indexes, so a moment behind."""
        if plan_id is not None:
            key = equals("PlanId", plan_id)
            items = self._wire.query(self._tables.history, key, index="PlanIdIndex", newest_first=True)
        else:
            by_status = [self._of_status(status) for status in ExecutionStatus]
            items = merge(*by_status, key=_start, reverse=True)
        return map(_header, items)

    def sweep(self) -> Iterator[ExecutionHeader | Malformed]:
        """See `Store.sweep`."""
        return map(_header, self._wire.scan(self._tables.history, ("ExecutionId", "PlanId"), without("PlanId", "#")))

    def outstanding(self) -> Iterator[Outstanding]:
        """See `Store.outstanding`; what cannot be read is passed over."""
        for item in self._wire.query(self._tables.history, equals("ExecutionId", codec.OUTBOX)):
            key = codec.item_key(codec.OUTBOX, item["PlanId"]["S"])
            with suppress(Malformed):
                yield codec.validated(Outstanding, key, codec.record(key, item).get("Outstanding") or {})

    def quarantine(self, item: Malformed) -> None:
        """See `Store.quarantine`; a trace for people, which hides nothing, and which the next commit removes.

        An item of a newer layout is not ours to judge, and is not marked.
        """
        execution_id, _, plan_id = item.key.rpartition("/")
        if not execution_id:
            return
        mark = {"Quarantined": {"Reason": shortened(item.reason), "Time": utc(self.now())}}
        key = to_item({"ExecutionId": execution_id, "PlanId": plan_id})
        ours = missing("Schema") | at_most("Schema", codec.SCHEMA)
        once = present("ExecutionId") & missing("Quarantined") & ours
        self._wire.write(wire.update(self._tables.history, key, change(mark), once))

    def _of_status(self, status: ExecutionStatus, since: datetime | None = None) -> Iterator[Item]:
        key = equals("Status", status.value)
        if since is not None:
            key &= at_least("StartTime", int(since.timestamp()))
        items = self._wire.query(self._tables.history, key, index="StatusIndex", newest_first=True)
        return (item for item in items if "#" not in item["PlanId"]["S"])

    # cadence

    def get_cadence(self, account_id: str, region: str) -> Cadence | None:
        """See `Store.get_cadence`; one that cannot be read is removed: a hint, which the next pass makes anew."""
        key = to_item(_cadence_key(account_id, region))
        for _ in range(READS):
            item = self._wire.get(self._tables.history, key)
            if item is None:
                return None
            try:
                return codec.read_cadence(item, account_id, region)
            except Malformed:
                as_read = present("ExecutionId") & same("WriteId", item) & same("Version", item)
                if self._wire.write(wire.delete(self._tables.history, key, as_read)) is None:
                    return None
        return None

    def put_cadence(self, cadence: Cadence, *, expected: int | None) -> None:
        """See `Store.put_cadence`."""
        mine = secrets.token_hex(8)
        if cadence.trouble:
            cadence = cadence.model_copy(update={"trouble": shortened(cadence.trouble, TEXT_BYTES)})
        values = codec.content({"Cadence": cadence})["Cadence"]
        item = to_item(values | _cadence_key(cadence.account_id, cadence.region) | {"WriteId": mine})
        refusal = self._wire.write(wire.put(self._tables.history, item, version_is(expected)))
        if refusal and not is_mine(refusal, mine):
            raise lost_cadence(cadence)


def no_execution(execution_id: str) -> NotFound:
    """There is no such execution."""
    return NotFound(f"There is no execution {execution_id} in the tables. `drskit executions list` names them.")


def lost_cadence(cadence: Cadence) -> LostRace:
    """Another worker wrote the cadence first."""
    return LostRace(f"Another worker set when to ask {cadence.account_id} in {cadence.region}. Read it again.")


def _cadence_key(account_id: str, region: str) -> dict[str, str]:
    return {"ExecutionId": f"CADENCE#{account_id}#{region}", "PlanId": "#CADENCE"}


def _start(item: Item) -> Decimal:
    """Where a header stands in a list by time; what has no time that can be read comes last."""
    try:
        return Decimal(item["StartTime"]["N"])
    except (KeyError, ArithmeticError):
        return Decimal(0)


def _with_parts(item: Item, apart: dict[str, Item]) -> list[Item]:
    """An item of events with the parts that it names, in order; parts that it does not name belong to lost writes."""
    execution_id, place = item["ExecutionId"]["S"], item["PlanId"]["S"]
    if "Apart" not in item:
        return [item]
    prefix = f"{place}@{item['Apart'].get('S')}#"
    parts = [part for name, part in sorted(apart.items()) if name.startswith(prefix)]
    if item.get("Parts") != {"N": str(len(parts))}:
        raise Malformed(codec.item_key(execution_id, place), f"{len(parts)} of its parts are there, not all")
    return [item, *parts]


def _events(item: Item) -> list[Event]:
    key = codec.item_key(item["ExecutionId"]["S"], item["PlanId"]["S"])
    entries = codec.listed(key, codec.record(key, item), "Events")
    return [codec.validated(Event, key, entry) for entry in entries]


def _header(item: Item) -> ExecutionHeader | Malformed:
    try:
        return codec.read_header(item)
    except Malformed as malformed:
        return malformed
