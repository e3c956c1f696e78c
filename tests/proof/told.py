"""What must hold of what an execution tells, whatever died; it knows nothing of drskit, like the checker.

It compares what the tables hold with what arrived at topics and buses:

- Nothing is lost: everything that the execution recorded to be told has arrived
  at each target that it names.
- One occurrence, one id: nothing arrives under an id that the tables do not
  have, two ids never tell the same, and what comes twice under one id is alike.
- What must be told is: the start, each wave that came up, each question, and the
  end of every execution whose plan names somebody.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tests.proof.allowed import too_often
from tests.proof.checker import FINAL, Record

ACTION = "drskit-task"
"""The attribute of what an action publishes."""


def untold(records: Mapping[str, Record], letters: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """What does not hold, a sentence each."""
    arrived: dict[tuple[str, str], list[str]] = {}
    for letter in letters:
        if ACTION in letter["attributes"]:
            continue  # a message of an action is no notice
        arrived.setdefault((_id(letter), letter["target"]), []).append(f"{letter['subject']}\n{letter['message']}")
    for (name, target), texts in arrived.items():
        if len(set(texts)) > 1:
            yield f"told: {name} arrived at {target} in {len(set(texts))} different forms"
        if too_often("a notice at a target", len(texts)):
            yield f"told: {name} arrived at {target} {len(texts)} times"
    known = {notice["NoticeId"] for record in records.values() for notice in record.notices}
    yield from (f"told: {name} arrived, and no execution has recorded it" for name in {n for n, _ in arrived} - known)
    for name, record in records.items():
        if record.plan.get("Notify"):
            yield from _whole(name, record)
            yield from _lost(record, set(arrived))


def _id(letter: Mapping[str, Any]) -> str:
    if letter["service"] == "events":
        return str(json.loads(letter["message"])["NotificationId"])
    return str(letter["attributes"]["NotificationId"])


def _lost(record: Record, arrived: set[tuple[str, str]]) -> Iterator[str]:
    targets = {target["Address"] for target in record.plan["Notify"]}
    for notice in record.notices:
        for target in targets:
            if (notice["NoticeId"], target) not in arrived:
                yield f"lost: {notice['NoticeId']} ({notice['Kind']}) never arrived at {target}"


def _whole(name: str, record: Record) -> Iterator[str]:
    """Everything that must be told, once; of a run without retries each wave ends once, and no question comes again."""
    words = Counter((notice["Kind"], notice["Headline"], notice["Text"]) for notice in record.notices)
    for (kind, headline, _), times in words.items():
        if times > 1:
            yield f"told: {name} told {headline!r} ({kind}) under {times} ids"
    told = [(notice["Kind"], notice.get("WaveName")) for notice in record.notices]
    wanted: list[tuple[str, str | None]] = [("start", None)]
    wanted += [
        ("wave", wave["WaveName"]) for wave in record.waves.values() if wave["Status"] in {"COMPLETED", "PARTIAL"}
    ]
    wanted += [("approval", wave["WaveName"]) for wave in record.waves.values() if wave.get("WaitingSince")]
    wanted += [("end", None)] if record.status in FINAL else []
    for one in wanted:
        if told.count(one) != 1:
            yield f"told: {name} has {told.count(one)} notices of {one[0]} {one[1] or ''}".rstrip()
