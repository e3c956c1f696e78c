"""How an execution is written: children, header and events as one.

A write that fits one transaction is one. A larger one, of many waves or
thousands of servers, writes all children first under keys of their own, a
**generation**, which nobody reads yet; the transaction with the header and the
events then makes that generation the valid one. Whoever dies in between
leaves items behind that no header names, never a half-written execution.

Events go the same way. As many items as one transaction holds are written with
the header. Where they are more, the first item is, and names the write whose
other items, staged before under keys of their own, belong to it; a reader drops
what no item names, so the history never shows events of a commit that lost.
"""

import secrets
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from drskit.bounds import ITEM_BYTES, bounded
from drskit.errors import AlreadyExists, LostRace, Refused
from drskit.model import Event, Execution, JobLog
from drskit.store import codec, wire
from drskit.store.attributes import Item, item_bytes, to_item
from drskit.store.authorizations import consumption, not_consumed, read_refusal
from drskit.store.codec import Parts
from drskit.store.expressions import Clause, change, equals, missing, present
from drskit.store.names import TableNames
from drskit.store.plans import ACTIONS, busy, no_plan, outrun, plan_key
from drskit.store.wire import Action, Refusal, Wire

TRANSACTION_BYTES = 3_500_000
"""Kept below DynamoDB's 4 MB for one transaction."""
SPARE_BYTES = 1_000
"""What an item of a list holds besides the list: keys, WriteId, a job's names."""
LIST_BYTES = 16
"""The name of the list, and the list itself when it is empty."""


class Commits(ABC):
    """Creates and changes executions, one writer at a time."""

    def __init__(self, wire: Wire, tables: TableNames) -> None:
        self._wire = wire
        self._tables = tables
        self._generations: dict[str, str] = {}

    @abstractmethod
    def now(self) -> datetime:
        """See `Store.now`."""

    def create(self, execution: Execution, events: tuple[Event, ...], *, begun: int, secret: str | None = None) -> None:
        """See `Store.create`."""
        execution = bounded(execution)
        consumed = consumption(self._tables.history, execution, secret, self.now())
        new = _Write(self._tables.history, execution, secrets.token_hex(8))
        children = new.children(codec.parts(execution), {}, None)
        counted = equals("Begun", begun) if begun else missing("Begun")
        occupy = self._plan(
            execution,
            {"ActiveExecutionId": execution.execution_id, "Begun": begun + 1},
            missing("ActiveExecutionId") & counted,
        )
        told, _ = self._told(new, events, missing("ExecutionId"))
        rest = [*told, *consumed, occupy]
        generation = None
        if not fits([*children, *rest]):
            generation = new.write_id
            children = new.children(codec.parts(execution), {}, generation)
            self._stage(children, new.guard(missing("ExecutionId")), new.write_id)
            children = []
        header = wire.put(self._tables.history, new.header_item(generation), missing("ExecutionId"))
        refused = self._wire.transact([header, *children, *rest])
        if generation and not refused:
            self._generations[execution.execution_id] = generation
        if refused and not is_mine(refused.get(0), new.write_id):
            place = 1 + len(children) + len(rest) - 1
            if consumed and 0 not in refused and place - 1 in refused:
                found = read_refusal(execution, refused[place - 1])
                raise not_consumed(execution, secret, found, self.now())
            raise _not_created(execution, refused, place_of_plan=place)

    def commit(
        self, before: Execution, after: Execution, events: tuple[Event, ...], logs: tuple[JobLog, ...] = ()
    ) -> None:
        """See `Store.commit`."""
        before, after = bounded(before), bounded(after)
        new = _Write(self._tables.history, after, secrets.token_hex(8))
        for _ in range(wire.ATTEMPTS):
            generation = self._generations.get(after.execution_id) or None
            refusal = self._send(new, before, _History(events, logs), generation)
            if refusal is None or is_mine(refusal, new.write_id):
                return
            found = _text(refusal.item, "Generation")
            if refusal.item is None or refusal.item.get("Version") != {"N": str(before.version)} or found == generation:
                break
            self._generations[after.execution_id] = found or ""
        raise LostRace(
            f"Somebody else wrote execution {after.execution_id} since version {before.version} was read. "
            "Read it again, then decide anew."
        )

    def _send(self, new: "_Write", before: Execution, history: "_History", generation: str | None) -> Refusal | None:
        """Write on top of a generation; the header's refusal when it is not as expected."""
        unread = equals("Version", before.version) & (
            equals("Generation", generation) if generation else missing("Generation")
        )
        old, parts = codec.parts(before), codec.parts(new.execution)
        children = new.children(parts, old, generation)
        logs = new.logs(history.logs)
        marks = self._marks(before, new.execution)
        events, refusal = self._told(new, history.events, unread)
        if refusal:
            return refusal
        events += new.outbox(before)
        if logs and not fits([*logs, *children, *events]):
            refusal = self._stage(logs, new.guard(unread), new.write_id)
            if refusal:
                return refusal
            logs = []
        if fits([*children, *events]):
            header = new.header_update(unread, {}, _seal_change(parts, old))
            return self._land([header, *logs, *children, *events], marks)
        staged = new.children(parts, {}, new.write_id)
        refusal = self._stage(staged, new.guard(unread), new.write_id)
        if refusal:
            return refusal
        header = new.header_update(unread, {"Generation": new.write_id, "Seal": _seal(parts)}, 0)
        refusal = self._land([header, *events], marks)
        if refusal is None:
            self._generations[new.execution.execution_id] = new.write_id
            self._clear(new, old, generation)
        return refusal

    def _land(self, actions: list[Action], marks: list[Action]) -> Refusal | None:
        """The deciding transaction: header first, the plan's mark last."""
        refused = self._wire.transact([*actions, *marks])
        if not refused or 0 in refused:
            return refused.get(0)
        if marks and len(actions) in refused:
            if marks[0].update is not None and marks[0].update.text.startswith("SET"):
                raise _not_reopened(refused[len(actions)], marks[0])
            return self._land(actions, [])
        raise LostRace("An item of the execution was written by somebody else. Read it again, then decide anew.")

    def _stage(self, actions: list[Action], guard: Action, write_id: str) -> Refusal | None:
        """Write ahead of the header, as long as the header is as it was."""
        for batch in batches(actions):
            refused = self._wire.transact([guard, *batch])
            if 0 in refused:
                return refused[0]
            if any(not is_mine(refusal, write_id) for refusal in refused.values()):
                return Refusal(None)
        return None

    def _told(self, new: "_Write", events: tuple[Event, ...], unread: Clause) -> tuple[list[Action], Refusal | None]:
        """The events as the deciding transaction writes them, after staging what it cannot hold."""
        together = new.events(events)
        if fits(together):
            return together, None
        first, others = new.events_apart(events)
        return [first], self._stage(others, new.guard(unread), new.write_id)

    def _clear(self, new: "_Write", old: Parts, generation: str | None) -> None:
        """Delete the generation that no header names any more; what stays behind is never read."""
        table = self._tables.history
        keys = [new.key(codec.child_key(new.execution.plan_id, suffix, generation)) for suffix in old]
        named = new.guard(equals("Generation", new.write_id))
        for batch in batches([wire.delete(table, key, present("ExecutionId")) for key in keys]):
            if self._wire.transact([named, *batch]):
                return

    def _marks(self, before: Execution, after: Execution) -> list[Action]:
        """What the plan's item must learn: that it is free, or taken again."""
        if after.end_time and not before.end_time:
            return [self._plan(after, None, equals("ActiveExecutionId", after.execution_id))]
        if before.end_time and not after.end_time:
            return [self._plan(after, {"ActiveExecutionId": after.execution_id}, missing("ActiveExecutionId"))]
        return []

    def _plan(self, execution: Execution, values: dict[str, Any] | None, condition: Clause) -> Action:
        mark = change({}, remove=("ActiveExecutionId",)) if values is None else change(values)
        key = plan_key(execution.plan_id)
        return wire.update(self._tables.plans, key, mark, present("PlanId") & condition)


@dataclass(frozen=True)
class _History:
    """What a commit adds to the history."""

    events: tuple[Event, ...]
    logs: tuple[JobLog, ...]


@dataclass(frozen=True)
class _Write:
    """One write of an execution: everything that it says, ready to be sent."""

    table: str
    execution: Execution
    write_id: str

    def key(self, plan_id: str) -> Item:
        """The key of an item of the execution."""
        return {"ExecutionId": {"S": self.execution.execution_id}, "PlanId": {"S": plan_id}}

    def guard(self, condition: Clause) -> Action:
        """A check of the header."""
        return wire.check(self.table, self.key(self.execution.plan_id), condition)

    def header_item(self, generation: str | None) -> Item:
        """The header as a new item."""
        own = {"WriteId": self.write_id, "Seal": _seal(codec.parts(self.execution)), "Generation": generation}
        values = codec.header_values(self.execution) | own
        return to_item({name: value for name, value in values.items() if value is not None})

    def header_update(self, condition: Clause, own: dict[str, Any], seal_change: int) -> Action:
        """The header changed, and no longer set aside; attributes that are not ours stay."""
        values = codec.header_values(self.execution) | {"WriteId": self.write_id, "Quarantined": None} | own
        for name in ("ExecutionId", "PlanId"):
            del values[name]
        absent = tuple(name for name, value in values.items() if value is None)
        kept = {name: value for name, value in values.items() if value is not None}
        update = change(kept, remove=absent, add={"Seal": seal_change} if seal_change else {})
        return wire.update(self.table, self.key(self.execution.plan_id), update, condition)

    def children(self, parts: Parts, old: Parts, generation: str | None) -> list[Action]:
        """The children that differ from the old ones: written, or deleted where there are none any more."""
        writes = []
        for suffix, part in parts.items():
            if suffix not in old or old[suffix] != part:
                values = codec.content(part)
                writes.append(self._put(suffix, values | {"Stamp": codec.stamp(values)}, generation))
        gone = [suffix for suffix in old if suffix not in parts]
        return writes + [self._delete(suffix, generation) for suffix in gone]

    def events(self, events: Sequence[Event]) -> list[Action]:
        """The commit's events, as few items as their size allows."""
        return [
            self._new(codec.event_key(chunk[0]["Sequence"]), {"Events": chunk}, missing("ExecutionId"))
            for chunk in self._event_chunks(events)
        ]

    def events_apart(self, events: Sequence[Event]) -> tuple[Action, list[Action]]:
        """The item of the first events, which makes the others valid, and the items of those others."""
        first, *rest = self._event_chunks(events)
        sequence = first[0]["Sequence"]
        names = {"Events": first, "Apart": self.write_id, "Parts": len(rest)}
        others = [
            self._new(
                codec.event_key(sequence, self.write_id, part),
                {"Events": chunk},
                missing("ExecutionId") | present("Events"),
            )
            for part, chunk in enumerate(rest, 1)
        ]
        return self._new(codec.event_key(sequence), names, missing("ExecutionId")), others

    def _event_chunks(self, events: Sequence[Event]) -> list[list[dict[str, Any]]]:
        found = list(chunks([event.to_json() for event in events]))
        for chunk in found:
            size = item_bytes(to_item({"Events": chunk}))
            if size > ITEM_BYTES - SPARE_BYTES:
                raise Refused(
                    f"Event {chunk[0]['Sequence']} ({chunk[0]['Kind']}) of execution {self.execution.execution_id} has "
                    f"{size} bytes; {ITEM_BYTES - SPARE_BYTES} are allowed. Split the wave or the group."
                )
        return found

    def logs(self, logs: Sequence[JobLog]) -> list[Action]:
        """The logs of ended jobs, each in parts that fit an item; one that a writer who died left is written again."""
        return [
            self._new(
                codec.log_key(log.job_id, part), about | {"Entries": chunk}, missing("ExecutionId") | present("JobId")
            )
            for log in logs
            for about in [{"JobId": log.job_id, "WaveName": log.wave_name}]
            for part, chunk in enumerate(chunks([codec.content({"Entry": entry})["Entry"] for entry in log.entries]), 1)
        ]

    def outbox(self, before: Execution) -> list[Action]:
        """What the outbox learns: that a finished execution has something to tell, when, or nothing any more."""
        was, due = codec.outstanding(before), codec.outstanding(self.execution)
        if was == due:
            return []
        key = codec.outbox_key(self.execution.execution_id)
        condition = missing("ExecutionId") | present("Due")
        if due is None:
            return [wire.delete(self.table, to_item(key), condition)]
        values = codec.content({"Outstanding": due})["Outstanding"]
        return [wire.put(self.table, to_item({"Outstanding": values, "Due": values["Due"]} | key), condition)]

    def _put(self, suffix: str, values: dict[str, Any], generation: str | None) -> Action:
        key = codec.child_key(self.execution.plan_id, suffix, generation)
        return self._new(key, values, missing("ExecutionId") | present("Stamp"))

    def _delete(self, suffix: str, generation: str | None) -> Action:
        key = self.key(codec.child_key(self.execution.plan_id, suffix, generation))
        return wire.delete(self.table, key, present("ExecutionId"))

    def _new(self, plan_id: str, values: dict[str, Any], condition: Clause) -> Action:
        item = self.key(plan_id) | to_item(values | {"WriteId": self.write_id})
        action = wire.put(self.table, item, condition)
        if action.item_bytes > ITEM_BYTES:
            raise Refused(
                f"Item {plan_id} of execution {self.execution.execution_id} has {action.item_bytes} bytes; "
                f"{ITEM_BYTES} are allowed. Split the wave or the group."
            )
        return action


def is_mine(refusal: Refusal | None, write_id: str) -> bool:
    """The item that stood in the way was written by this very write, whose first reply was lost."""
    return refusal is not None and _text(refusal.item, "WriteId") == write_id


def fits(actions: Sequence[Action]) -> bool:
    """Whether these fit one transaction beside header and plan."""
    return len(actions) <= ACTIONS - 2 and sum(action.item_bytes for action in actions) <= TRANSACTION_BYTES


def batches(actions: Sequence[Action]) -> Iterator[list[Action]]:
    """The actions in transactions that leave room for a guard."""
    batch: list[Action] = []
    for action in actions:
        if batch and not fits([*batch, action]):
            yield batch
            batch = []
        batch.append(action)
    if batch:
        yield batch


def chunks(values: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """The values in lists that fit an item each."""
    room = ITEM_BYTES - SPARE_BYTES - LIST_BYTES
    chunk: list[dict[str, Any]] = []
    used = 0
    for value in values:
        size = item_bytes(to_item({"": value})) + 1
        if chunk and used + size > room:
            yield chunk
            chunk, used = [], 0
        chunk.append(value)
        used += size
    if chunk:
        yield chunk


def _seal(parts: Parts) -> int:
    return sum(codec.stamp(codec.content(part)) for part in parts.values())


def _seal_change(parts: Parts, old: Parts) -> int:
    """What the children's stamps add up to more than before; equal ones need not be hashed."""
    new = {suffix: part for suffix, part in parts.items() if suffix not in old or old[suffix] != part}
    replaced = {suffix: part for suffix, part in old.items() if suffix not in parts or parts[suffix] != part}
    return _seal(new) - _seal(replaced)


def _text(item: Item | None, name: str) -> str | None:
    return None if item is None else item.get(name, {}).get("S")


def _not_created(execution: Execution, refused: dict[int, Refusal], place_of_plan: int) -> Exception:
    execution_id, plan_id = execution.execution_id, execution.plan_id
    if 0 in refused:
        return AlreadyExists(f"Execution {execution_id} exists. Open it, or start under another key.", execution_id)
    if place_of_plan not in refused:
        return LostRace(f"Execution {execution_id} is being created by somebody else. Look for it, then repeat.")
    return _not_free(plan_id, refused[place_of_plan], outrun(plan_id))


def _not_reopened(refusal: Refusal, mark: Action) -> Exception:
    plan_id = str(mark.what["Key"]["PlanId"]["S"])
    return _not_free(plan_id, refusal, no_plan(plan_id))


def _not_free(plan_id: str, refusal: Refusal, otherwise: Exception) -> Exception:
    active = _text(refusal.item, "ActiveExecutionId")
    if refusal.item is None:
        return no_plan(plan_id)
    return otherwise if active is None else busy(plan_id, active)
