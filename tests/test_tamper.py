"""Whatever is changed in the evidence shows: every value of a drill's execution.json and of its items in the tables.

The drill is a real one, through boto3 and the simulator: an approval, a server that comes up, one that fails. Each
value is replaced by everything of its kind that drskit would read, and taken away; each list is reordered and cut.
What may differ without a fault is what `drskit/verify.py` names: another way to write the same, and the store's marks.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest

from drskit import model
from drskit.errors import InvalidInput, Malformed, NotFound, Unavailable
from drskit.model import Event, Execution, JobLog
from drskit.report.evidence import Evidence, evidence_of, execution_json
from drskit.store import codec
from drskit.store.attributes import Item, from_item, to_item
from drskit.verify import faults, summary_faults, unsealed
from tests.harness import house, runbook_of

WORLD = """
region: us-west-2
start: 2026-03-02T09:00:00Z
seed: 4
servers:
  - {id: s-5a1d0c7e94b6f3282, name: shop-1, tags: {Role: database}}
  - {id: s-5d403fa1c7e9265b5, name: shop-2, tags: {Role: app}, fails: conversion-denied}
"""
RUNBOOK = """
version: 1
plan: shop
sites: {main: {region: us-west-2}}
groups:
  database: {select: {tags: {Role: database}}}
  app: {select: {tags: {Role: app}}}
waves:
  - {name: Database, groups: [database]}
  - {name: Application, groups: [app], approve: Logins work}
"""
WORDS = [kind for kind in vars(model).values() if isinstance(kind, type) and issubclass(kind, StrEnum)]
OF_THE_STORE = {"WriteId", "Generation", "Schema", "Quarantined", "Stamp", "Seal", "WavesLeftOut"}
TIME = "2026-03-02T09:00:07Z"
FILE = Path("execution.json")
Way = tuple[str | int, ...]


@pytest.fixture(scope="module")
def drill() -> Iterator[Any]:
    """A drill that has ended, its world still open."""
    with house(text=WORLD) as home:
        home.execution_id = started_drill(home)
        yield home


def started_drill(home: Any) -> str:
    execution = home.session.start(runbook_of(RUNBOOK))
    home.finish()
    return str(execution.execution_id)


@pytest.fixture(scope="module")
def whole(drill: Any) -> tuple[Execution, tuple[Event, ...], tuple[JobLog, ...]]:
    """Its evidence."""
    return drill.session.history(drill.execution_id)  # type: ignore[no-any-return]


# --- every value, and what could stand in its place ------------------------------------------------------------------


def places(value: Any, path: Way = ()) -> Iterator[tuple[Way, Any]]:
    """Every value and list in it, with the way there."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in inner:
        yield (*path, key), part
        yield from places(part, (*path, key))


def others(value: Any) -> Iterator[Any]:
    """Values that drskit might read in place of this one."""
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, int):
        yield value + 1
    elif value is None:
        yield from (
            "2026-03-02T09:00:07Z",
            "PT7M",
            "forged",
            7,
            {"By": "x", "At": "2026-03-02T09:00:07Z", "Reason": "y"},
        )
    elif isinstance(value, list):
        yield from ([value[::-1]] if len(value) > 1 else [])
        yield from ([value[:-1], value[1:], [*value, value[-1]]] if value else [["s-5a1d0c7e94b6f3282"]])
    elif isinstance(value, dict):
        yield value | {"forged": "x"}
    else:
        yield from texts(value)


def texts(value: str) -> Iterator[str]:
    """Another text, time, span or word of the same list."""
    yield value + "x"
    yield ("0" if value[:1] != "0" else "1") + value[1:]
    yield value[:-1] + ("0" if value[-1:] != "0" else "1")
    yield "PT7M"
    with suppress(ValueError):
        yield (datetime.fromisoformat(value) + timedelta(seconds=1)).isoformat().replace("+00:00", "Z")
    for kind in WORDS:
        if value in set(kind):
            yield next(word.value for word in kind if word.value != value)


def changed(whole: Any, path: Way, value: Any = None, *, gone: bool = False) -> Any:
    """A copy with one value replaced, or taken away."""
    if not path:
        return value
    key, *rest = path
    new = dict(whole) if isinstance(whole, dict) else list(whole)
    if rest:
        new[key] = changed(whole[key], tuple(rest), value, gone=gone)
    elif gone:
        del new[key]
    else:
        new[key] = value
    return new


def found(evidence: Evidence) -> tuple[str, ...]:
    return (*faults(evidence.execution, evidence.events, evidence.logs), *evidence.strays)


# --- execution.json --------------------------------------------------------------------------------------------------


def test_an_untouched_drill_has_no_faults(whole):
    """And nothing in it is without a seal."""
    assert () == faults(*whole)
    assert () == unsealed(*whole)


def test_every_value_of_the_evidence_is_sealed(whole):
    """Replaced by anything that drskit reads and that says something else; and each value was tried."""
    text = execution_json(*whole)
    untouched = evidence_of(FILE, text)
    unnoticed, untried = [], []
    for path, value in places(text):
        tried = 0
        for other in others(value):
            try:
                read = evidence_of(FILE, changed(text, path, other))
            except InvalidInput:
                tried += 1
                continue
            tried += read != untouched
            if read != untouched and not found(read):
                unnoticed.append((path, other))
        untried += [path] if not tried else []
    assert [] == unnoticed
    assert [] == untried


def test_every_value_that_is_taken_away_shows(whole):
    """Unless it said no more than its absence does."""
    text = execution_json(*whole)
    untouched = evidence_of(FILE, text)
    unnoticed = []
    for path, _ in places(text):
        try:
            read = evidence_of(FILE, changed(text, path, gone=True))
        except InvalidInput:
            continue
        if read != untouched and not found(read):
            unnoticed.append(path)
    assert [] == unnoticed


# --- the tables ------------------------------------------------------------------------------------------------------


@dataclass
class Items:
    """The drill's items in the history table."""

    home: Any
    table: str
    items: list[Item]

    def read(self) -> tuple[str, ...]:
        """What verify says, or why the tables could not be read."""
        try:
            execution, events, logs = self.home.session.history(self.home.execution_id)
        except (Malformed, NotFound, Unavailable) as error:
            return (str(error),)
        return faults(execution, events, logs)

    def last(self, name: str) -> int:
        """The place of the last item of the history that holds such a list."""
        kind = {"Events": "~EVENT#", "Entries": "~LOG#"}[name]
        return max(place for place, item in enumerate(self.items) if item["PlanId"]["S"].startswith(kind))

    def with_item(self, item: Item, other: Item | None) -> tuple[str, ...]:
        """What is said with one item replaced or deleted; afterwards it is as before."""
        client = self.home.session.clients.dynamodb()
        key = {name: item[name] for name in ("ExecutionId", "PlanId")}
        client.delete_item(TableName=self.table, Key=key)
        if other is not None:
            client.put_item(TableName=self.table, Item=other)
        said = self.read()
        client.put_item(TableName=self.table, Item=item)
        return said


@pytest.fixture(scope="module")
def items(drill):
    """All of them, as DynamoDB has them."""
    client = drill.session.clients.dynamodb()
    table = next(name for name in client.list_tables()["TableNames"] if "history" in name)
    values = {":id": {"S": drill.execution_id}}
    answer = client.query(TableName=table, KeyConditionExpression="ExecutionId = :id", ExpressionAttributeValues=values)
    return Items(drill, table, answer["Items"])


def test_every_value_of_the_tables_is_sealed(items, whole):
    """Of the header and its children, read as the store reads them."""
    execution, events, logs = whole
    state = [item for item in items.items if not item["PlanId"]["S"].startswith("~")]
    unnoticed = []
    for number, item in enumerate(state):
        plain = from_item(item)
        left_out = OF_THE_STORE | (set() if "#" in item["PlanId"]["S"] else {"Waves"})
        evidence = {name: plain[name] for name in plain if name not in left_out}
        for path, value in places(evidence):
            for other in others(value):
                forged = to_item(changed(plain, path, other))
                try:
                    read = codec.assembled([*state[:number], forged, *state[number + 1 :]])
                except Malformed:
                    continue
                if read not in (None, execution) and not faults(read, events, logs):
                    unnoticed.append((plain["PlanId"], path, other))
    assert [] == unnoticed


def test_every_item_that_is_deleted_shows(items):
    """A server, a command, an event, a log: whole items are missed."""
    assert () == items.read()
    assert [] == [item["PlanId"]["S"] for item in items.items if not items.with_item(item, None)]


def test_every_item_of_the_history_that_is_edited_shows(items):
    """The lists of events and of log lines, turned round and cut; of the last of each, every value changed."""
    unnoticed = []
    for item in items.items:
        name = "Events" if "~EVENT#" in item["PlanId"]["S"] else "Entries"
        if not item["PlanId"]["S"].startswith("~"):
            continue
        plain = from_item(item)
        forged = [changed(plain, (name,), other) for other in others(plain[name])]
        if items.items.index(item) in {items.last("Events"), items.last("Entries")}:
            forged += [changed(plain, (name, *way), next(others(value))) for way, value in places(plain[name])]
        unnoticed += [other for other in forged if not items.with_item(item, to_item(other))]
    assert [] == unnoticed


def test_every_value_that_lists_show_is_held_against_the_execution(items, whole):
    """A wave's status, times, counts and jobs in the header; taken away they say nothing, and are read elsewhere."""
    execution = whole[0]
    (header,) = [item for item in items.items if item["PlanId"]["S"] == execution.plan_id]
    plain = from_item(header)
    assert () == summary_faults(execution, codec.read_header(header))
    unnoticed = []
    for path, value in places(plain["Waves"]):
        for other in others(value):
            try:
                read = codec.read_header(to_item(changed(plain, ("Waves", *path), other)))
            except Malformed:
                continue
            if read != codec.read_header(header) and other != [] and not summary_faults(execution, read):
                unnoticed.append((path, other))
    assert [] == unnoticed
    assert codec.read_header(header).launched
    assert () != summary_faults(execution, codec.read_header(header).model_copy(update={"launched": "another set"}))
    older = codec.read_header(header).model_copy(update={"version": execution.version - 1, "waves": ()})
    assert () == summary_faults(execution, older)
