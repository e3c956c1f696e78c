"""What an instance of a world answers at an instant: EC2's status checks, ports and URLs."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar
from urllib.parse import urlsplit

from drskit.sim.answers import Answer, Answers, HttpAnswer, PortAnswer, StatusAnswer, Word
from drskit.sim.world import World

A = TypeVar("A", bound=Answer)
BOOT = timedelta(minutes=1)
"""How long after its launch an instance listens, where no world says otherwise."""
INITIALIZING = timedelta(minutes=2)
"""How long EC2's checks of a new instance take, where no world says otherwise."""


@dataclass(frozen=True)
class Found:
    """An instance as EC2 has it."""

    id: str
    state: str
    state_code: int
    zone: str
    launched_at: datetime
    private_ip: str | None = None
    public_ip: str | None = None


@dataclass(frozen=True)
class Tried:
    """What came of trying a port or a URL."""

    open: bool
    code: str
    status: int | None = None
    body: str = ""
    location: str | None = None


def _told(world: World, instance_id: str) -> tuple[Answers, ...]:
    """Who speaks for an instance, in their order."""
    instance = world.instances.get(instance_id)
    own = (world.any_server(instance.server_id).spec.answers,) if instance else ()
    return (*own, world.spec.answers)


def _first(given: Iterator[A], age: timedelta) -> A | None:
    return next((answer for answer in given if answer.holds(age.total_seconds())), None)


def status_of(world: World, found: Found, now: datetime) -> StatusAnswer:
    """EC2's own checks of a running instance."""
    age = now - found.launched_at
    answer = _first((one for told in _told(world, found.id) for one in told.status), age)
    if answer is not None:
        return answer
    word: Word = "initializing" if age < INITIALIZING else "ok"
    return StatusAnswer(instance=word, system=word)


def screen_of(world: World, found: Found) -> str:
    """What is to be seen on its console."""
    return next((told.screen for told in _told(world, found.id) if told.screen), "login")


def try_port(world: World, found: Found | None, port: int, now: datetime) -> Tried:
    """What comes of a connection."""
    if found is None or found.state != "running":
        return Tried(False, "timed out")
    age = now - found.launched_at
    told = _told(world, found.id)
    answer = _first((one for some in told for one in some.tcp if one.port in {None, port}), age)
    if answer is None:
        answer = PortAnswer(open=age >= BOOT)
    return Tried(True, "open") if answer.open else Tried(False, "refused")


def try_url(world: World, found: Found | None, url: str, now: datetime, *, verify: bool) -> Tried:
    """What a URL is answered with."""
    address = urlsplit(url)
    port = address.port or (443 if address.scheme == "https" else 80)
    tried = try_port(world, found, port, now)
    if not tried.open or found is None:
        return tried
    told = _told(world, found.id)
    path = address.path or "/"
    fits = (one for some in told for one in some.http if one.port in {None, port} and one.path in {None, path})
    answer = _first(fits, now - found.launched_at) or HttpAnswer()
    if address.scheme == "https" and verify and answer.certificate != "good":
        why = {"self-signed": "self-signed certificate", "expired": "certificate has expired"}[answer.certificate]
        return Tried(False, f"certificate: {why}")
    return Tried(True, str(answer.status), answer.status, answer.body, answer.location)
