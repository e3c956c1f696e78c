"""Ports and URLs of a simulated world, tried by its endpoint: what runs from here never leaves a simulation."""

from collections.abc import Sequence
from typing import Any

from drskit.aws.faults import asking
from drskit.aws.replies import may, need
from drskit.probes import Answer, Ask

AT_ONCE = 100


class WorldProber:
    """Tries ports and URLs of a world's instances."""

    def __init__(self, client: Any, region: str) -> None:
        """Take a ready client of the simulator's own service."""
        self._client = client
        self._region = region

    def ask(self, asks: Sequence[Ask]) -> list[Answer]:
        """The answers in their order.

        Raises:
            Unavailable: the world does not answer.
        """
        answers: list[Answer] = []
        for start in range(0, len(asks), AT_ONCE):
            some = [_written(ask) for ask in asks[start : start + AT_ONCE]]
            with asking(f"Probe in {self._region}"):
                answers += [_answer(item) for item in need(self._client.probe(Asks=some), "Answers", list)]
        return answers


def _written(ask: Ask) -> dict[str, Any]:
    told = {"Host": ask.host, "Port": ask.port, "Url": ask.url, "Certificate": ask.certificate, "Name": ask.name}
    return {name: value for name, value in told.items() if value is not None}


def _answer(item: object) -> Answer:
    return Answer(
        open=need(item, "Open", bool),
        code=need(item, "Code", str),
        status=may(item, "Status", int),
        body=may(item, "Body", str) or "",
        location=may(item, "Location", str),
    )
