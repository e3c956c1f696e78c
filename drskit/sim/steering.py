"""What steers a served world: its clock, its faults, itself, what was sent in it, and the page that describes them.

For tests in any language. Whatever changes the world waits its turn at the
gateway, as AWS requests do.
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from drskit.clock import Clock, ClockKind
from drskit.errors import InvalidWorld
from drskit.sim.faults import Reply, json_error
from drskit.sim.openapi import describe
from drskit.sim.worldfile import parse_world, read_fault

if TYPE_CHECKING:
    from drskit.sim.gateway import Gateway

PREFIX = "/drskit/"
HEADERS = {"content-type": "application/json"}
MOST_SECONDS = 10 * 365 * 86400
"""How far a clock jumps at most at once: a slip of the keyboard shall not end in the year 9999."""


class Steering:
    """Answers the requests that steer a world."""

    def __init__(self, gateway: "Gateway") -> None:
        self._gateway = gateway
        self._actions: dict[str, dict[str, Callable[[bytes], Any]]] = {
            "/drskit/clock": {"GET": self._tell_time, "POST": self._let_time_pass},
            "/drskit/faults": {"GET": self._tell_faults, "POST": self._add_faults, "DELETE": self._clear_faults},
            "/drskit/world": {"GET": self._tell_world, "POST": self._replace_world},
            "/drskit/inbox": {"GET": self._tell_inbox},
            "/drskit/received": {"GET": self._tell_received},
            "/drskit/openapi.json": {"GET": self._describe},
        }

    def answer(self, method: str, path: str, body: bytes) -> Reply:
        """The reply to a request under `/drskit/`."""
        actions = self._actions.get(path)
        if actions is None:
            message = f"{path} does not exist; there are {', '.join(self._actions)}"
            return json_error("NotFound", 404, {"message": message})
        action = actions.get("GET" if method == "HEAD" else method)
        if action is None:
            status, headers, text = json_error(
                "MethodNotAllowed", 405, {"message": f"{path} takes {', '.join(actions)}, not {method}"}
            )
            return status, headers | {"allow": ", ".join(actions)}, text
        try:
            return 200, HEADERS, json.dumps(action(body))
        except (ValueError, TypeError, KeyError, InvalidWorld) as error:
            return json_error("BadRequest", 400, {"message": str(error)})

    def _tell_time(self, _: bytes) -> dict[str, Any]:
        clock = self._gateway.clock
        kind = getattr(clock, "kind", ClockKind.SYSTEM)
        return {"now": clock.now().isoformat(), "kind": str(kind), "speed": getattr(clock, "speed", 1.0)}

    def _let_time_pass(self, body: bytes) -> dict[str, Any]:
        """A virtual clock jumps; the others pass by themselves."""
        wish = json.loads(body)
        if not isinstance(wish, dict) or len(wish) != 1 or not wish.keys() <= {"sleep", "now"}:
            raise ValueError('write {"sleep": seconds} or {"now": "a time that lies ahead"}')
        seconds = float(wish["sleep"]) if "sleep" in wish else _until(self._gateway.clock, str(wish["now"]))
        if not 0 <= seconds <= MOST_SECONDS:
            raise ValueError(f"{seconds:g} seconds cannot pass; write a number from 0 to {MOST_SECONDS}")
        self._gateway.pass_time(seconds)
        return self._tell_time(b"")

    def _tell_faults(self, _: bytes) -> list[dict[str, object]]:
        return self._gateway.faults.to_json()

    def _add_faults(self, body: bytes) -> list[dict[str, object]]:
        """One or a list; all of them, or none."""
        given = json.loads(body)
        faults = [read_fault(one) for one in (given if isinstance(given, list) else [given])]
        self._gateway.add_faults(faults)
        return self._tell_faults(b"")

    def _clear_faults(self, _: bytes) -> list[dict[str, object]]:
        self._gateway.clear_faults()
        return self._tell_faults(b"")

    def _tell_world(self, _: bytes) -> dict[str, Any]:
        return self._gateway.present()

    def _replace_world(self, body: bytes) -> dict[str, Any]:
        """Put another world, in YAML or JSON, in the place of this one."""
        self._gateway.replace(parse_world(body.decode(), name="the posted world"))
        return self._gateway.present()

    def _tell_inbox(self, _: bytes) -> list[dict[str, Any]]:
        with self._gateway.lock:
            return self._gateway.inbox.to_json()

    def _tell_received(self, _: bytes) -> list[dict[str, Any]]:
        return self._gateway.received()

    def _describe(self, _: bytes) -> dict[str, Any]:
        return describe()


def _until(clock: Clock, text: str) -> float:
    """The seconds to a time that lies ahead."""
    at = datetime.fromisoformat(text)
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at
    seconds = (at - clock.now()).total_seconds()
    if seconds < 0:
        raise ValueError(f"time runs forward only; it is {clock.now().isoformat()}")
    return seconds
