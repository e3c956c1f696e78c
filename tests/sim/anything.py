"""Requests of any operation, made of the model.

Their words fit it, and their names are mostly those of what there is.
"""

import random
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import boto3

MODEL = boto3.client("drs", region_name="us-west-2").meta.service_model
Named = tuple[str, str]
"""The name of a member, in small letters, and a text that it had."""
SAMPLES: tuple[Named, ...] = (
    ("sourceserverarn", "arn:aws:drs:us-west-2:111111111111:source-server/s-5000000000000005b"),
    ("exportbucketarn", "arn:aws:s3:::dr-templates"),
    ("stagingareasubnetid", "subnet-0123456789abcdef0"),
    ("groups", "sg-0123456789abcdef0"),
    ("vpcid", "vpc-0123456789abcdef1"),
    ("fromdate", "2026-03-02T09:10:00.000000Z"),
    ("actioncode", "AWS-RunShellScript"),
    ("actionid", "8cba8a0e-6c1d-4ff9-9bb3-0f3b1d1f4e11"),
    ("actionversion", "1"),
    ("resourceid", "s-50000000000000001"),
    ("stagingaccountid", "111111111111"),
    ("originregion", "us-east-1"),
    ("name", "shop"),
)
"""What answers do not tell, and requests want."""
SAME = {
    "orderedsteparns": "recoveryplansteparn",
    "serverarn": "arn",
    "resourcearn": "arn",
    "sourceserverids": "sourceserverid",
    "recoveryinstanceids": "recoveryinstanceid",
    "jobids": "jobid",
}
"""Members of requests that answers call otherwise."""


def names_in(answers: Any, name: str = "") -> Iterator[Named]:
    """Every text that stands anywhere in answers, with the name of its member."""
    if isinstance(answers, str):
        yield name.lower(), answers
    elif isinstance(answers, dict):
        for key, one in answers.items():
            yield from names_in(one, key)
    elif isinstance(answers, list):
        for one in answers:
            yield from names_in(one, name)


class Anything:
    """Makes requests, by chance; the same chance makes the same ones."""

    def __init__(self, chance: random.Random, known: Iterable[Named]) -> None:
        self._chance = chance
        self._known = [*sorted(set(known)), *SAMPLES]

    def request(self, operation: str) -> dict[str, Any]:
        """A request of this operation."""
        shape = MODEL.operation_model(operation).input_shape
        return self._value(shape, "") if shape else {}

    def _value(self, shape: Any, name: str) -> Any:
        """A value of a member."""
        make: dict[str, Callable[[Any, str], Any]] = {
            "structure": self._structure,
            "list": self._list,
            "map": lambda *_: {"Owner": self._chance.choice(["me", "you"])},
            "boolean": lambda *_: self._chance.random() < 0.5,
            "string": self._string,
        }
        return make.get(shape.type_name, self._number)(shape, name)

    def _structure(self, shape: Any, _: str) -> dict[str, Any]:
        if getattr(shape, "is_tagged_union", False):
            chosen = [self._chance.choice(sorted(shape.members))]
        else:
            likely = (name for name in shape.members if self._chance.random() < 0.4)
            chosen = sorted({*shape.required_members, *likely})
        return {name: self._value(shape.members[name], name) for name in chosen}

    def _list(self, shape: Any, name: str) -> list[Any]:
        least = shape.metadata.get("min", 0)
        return [self._value(shape.member, name) for _ in range(self._chance.randint(least, max(least, 3)))]

    def _string(self, shape: Any, name: str) -> str:
        if shape.enum:
            return str(self._chance.choice(shape.enum))
        told = SAME.get(name.lower(), name.lower())
        fits = [text for member, text in self._known if member == told and _fits(shape, text)]
        if not fits or self._chance.random() < 0.2:
            fits = [text for _, text in self._known if _fits(shape, text)] or fits
        return self._chance.choice(fits) if fits else "x" * shape.metadata.get("min", 1)

    def _number(self, shape: Any, _: str) -> int:
        least = shape.metadata.get("min", 0)
        return int(self._chance.choice([least, least + 1, shape.metadata.get("max", least + 20)]))


def _fits(shape: Any, text: str) -> bool:
    size, pattern = shape.metadata, shape.metadata.get("pattern")
    return size.get("min", 0) <= len(text) <= size.get("max", 2048) and (
        not pattern or re.fullmatch(pattern, text) is not None
    )
