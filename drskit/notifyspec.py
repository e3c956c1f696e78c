"""`notify` of a runbook: whom its executions tell what happens."""

import re
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from drskit.notices import NoticeKind
from drskit.written import filled, matching
from drskit.yamlfile import Location

TOPIC = re.compile(r"arn:aws[a-z-]*:sns:[a-z]{2,5}(-[a-z]+)+-\d{1,2}:\d{12}:[A-Za-z0-9_-]{1,251}(\.fifo)?", re.ASCII)
BUS = re.compile(
    r"(arn:aws[a-z-]*:events:[a-z]{2,5}(-[a-z]+)+-\d{1,2}:\d{12}:event-bus/)?[A-Za-z0-9._/-]{1,200}", re.ASCII
)
MOST_TARGETS = 5

Topic = Annotated[str, matching(TOPIC, "write the ARN of a topic such as arn:aws:sns:us-west-2:123456789012:dr")]
Bus = Annotated[
    str,
    matching(
        BUS,
        "write the name of an event bus such as default, or its ARN such as "
        "arn:aws:events:us-west-2:123456789012:event-bus/dr",
    ),
]


class NotifySpec(BaseModel):
    """One of `notify`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sns: Topic | None = None
    events: Bus | None = None
    on: Annotated[
        tuple[NoticeKind, ...], filled(f"name some of {', '.join(NoticeKind)}, or remove the key for all of them")
    ] = ()

    @property
    def address(self) -> str:
        """The topic or the bus."""
        return self.sns or self.events or ""


Notify = Annotated[
    tuple[NotifySpec, ...],
    Field(max_length=MOST_TARGETS),
    filled("name a topic, as in [{sns: arn:aws:sns:us-west-2:123456789012:dr}], or remove the key"),
]


def notify_faults(targets: tuple[NotifySpec, ...]) -> list[tuple[Location, str]]:
    """Where targets say nothing, too much, or the same twice."""
    found: list[tuple[Location, str]] = []
    seen: dict[str, int] = {}
    for index, target in enumerate(targets):
        if bool(target.sns) == bool(target.events):
            found.append((("notify", index), "write either sns or events, one target an entry."))
            continue
        if target.address in seen:
            message = f"{target.address} is target {seen[target.address] + 1}, too. Put all its kinds into one `on`."
            found.append((("notify", index, "sns" if target.sns else "events"), message))
        seen.setdefault(target.address, index)
    return found
