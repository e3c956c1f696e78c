"""Ports and URLs of a world's instances, tried from here, where no route leads: the probes of a simulated drill.

They are an operation of the simulator's endpoint, so they meet the world's time
and its faults, and never leave it.
"""

from datetime import datetime
from typing import Any

from drskit.sim.estate import Estate
from drskit.sim.faults import Reply
from drskit.sim.healthy import Found, Tried, try_port, try_url
from drskit.sim.questions import Question
from drskit.sim.refusals import Refusal
from drskit.sim.standin import json_reply, members_of, refused


class Probes:
    """Whoever tries the instances of one Region."""

    operations = frozenset({"Probe"})

    def __init__(self, estate: Estate) -> None:
        self._estate = estate

    def answer(self, question: Question, now: datetime) -> Reply:
        """What came of each probe, in their order."""
        try:
            asks = members_of(question.body).get("Asks", [])
            known = {address: one for one in self._estate.found() for address in (one.private_ip, one.public_ip)}
            return json_reply({"Answers": [_written(self._tried(ask, known, now)) for ask in asks]})
        except Refusal as refusal:
            return refused(refusal)

    def _tried(self, ask: dict[str, Any], known: dict[str | None, Found], now: datetime) -> Tried:
        found = known.get(str(ask.get("Host")))
        if ask.get("Url"):
            verify = ask.get("Certificate") != "ignore"
            return try_url(self._estate.world, found, str(ask["Url"]), now, verify=verify)
        return try_port(self._estate.world, found, int(ask.get("Port") or 0), now)


def _written(tried: Tried) -> dict[str, Any]:
    told = {
        "Open": tried.open,
        "Code": tried.code,
        "Status": tried.status,
        "Body": tried.body,
        "Location": tried.location,
    }
    return {name: value for name, value in told.items() if value is not None}
