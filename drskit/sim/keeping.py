"""A world that a restart keeps: what changed it is written down, and done again when it is opened.

Whatever moto holds cannot be read out of it, service by service; but a world
follows from its file, its seed, and the requests that changed it at their
instants. So these are kept, not what they led to: DRS, EC2's instances,
DynamoDB's tables, tags, faults and the clock all come back. Each request's
status is kept, too, and must be the same again, else nothing is served.

A file with many changes is made short: the world as it stands takes the place
of what led to it, and the changes after it are kept as before.

moto's random names are drawn from the number of the request, so they come back
as they were. Its own times, such as a table's creation, are the machine's.
"""

import base64
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import moto
from botocore.awsrequest import AWSPreparedRequest
from moto.moto_api._internal import mock_random

from drskit.clock import Clock, VirtualClock, make_clock
from drskit.errors import InvalidState, InvalidWorld
from drskit.sim import still
from drskit.sim.faults import Dropped, json_error
from drskit.sim.gateway import Gateway, Taken
from drskit.sim.journal import Journal, Json, Kept
from drskit.sim.questions import Question
from drskit.sim.spec import Fault, FaultKind, WorldSpec
from drskit.sim.worldfile import read_world

READS = ("Probe", "Describe", "Get", "List", "Query", "Scan", "BatchGet", "TransactGet", "Head", "Lookup", "Search")
"""How operations begin that change nothing."""
PRIVATE = frozenset({"x-amz-security-token", "user-agent", "amz-sdk-request", "amz-sdk-invocation-id", "connection"})
"""Headers that are not kept: nobody needs them again."""
SIGNATURE = re.compile(r"Signature=[0-9a-f]+")
OF_THE_PROCESS = frozenset({"lock", "clock", "wall", "_journal", "_lost", "_most", "_changes", "_noted_at"})
"""Parts of a door that no file keeps."""
MOST = 2000
"""After so many changes the file is made short: so many take some seconds to do again."""
EVERY = timedelta(seconds=1)
"""How often the time of a world that runs by itself is written down, in real time."""


class KeptGateway(Gateway):
    """A world behind moto that writes down what changes it."""

    def __init__(self, spec: WorldSpec, clock: Clock, journal: Journal | None, *, most: int | None = MOST) -> None:
        self._journal: Journal | None = None
        self._most = most
        self._changes = 0
        self._number = 0
        self._touched: set[str] = set()
        self._noted_at = clock.now()
        self._lost: str | None = None
        self._drew = False
        super().__init__(spec, clock)
        self._journal = journal

    def replace(self, spec: WorldSpec) -> None:
        """Put another world in the place of this one, in the file, too."""
        with self.lock:
            super().replace(spec)
            self._number, self._touched = 0, set()
            if self._journal is not None:
                self._journal.begin(_head(spec, self.clock.now()))
                self._changes = 0

    def pass_time(self, seconds: float) -> None:
        """Let a virtual clock jump, and write it down."""
        with self.lock:
            super().pass_time(seconds)
            self._note("time", self.clock.now())

    def add_faults(self, faults: Any) -> None:
        """Set up more faults, and write them down."""
        with self.lock:
            faults = list(faults)
            super().add_faults(faults)
            told = [fault.model_dump(mode="json", by_alias=True, exclude_defaults=True) for fault in faults]
            self._note("faults", self.clock.now(), faults=told)

    def clear_faults(self) -> None:
        """No more faults, and write it down."""
        with self.lock:
            super().clear_faults()
            self._note("clear", self.clock.now())

    def close(self) -> None:
        """Write down what time it is, and let go of the file."""
        with self.lock:
            self._note("time", self.clock.now())
            if self._journal is not None:
                self._journal.close()
                self._journal = None

    def present(self) -> dict[str, Any]:
        """The world as it stands; a look at which something came about is written down."""
        with self.lock:
            self._begin()
            shown, now = super().present(), self.clock.now()
            if self._drew:
                self._number += 1
                self._note("look", now)
            return shown

    def take(self, request: AWSPreparedRequest, question: Question) -> Taken:
        """Take a request; one that changes anything is written down before its answer leaves."""
        if self._lost:
            return self._refused()
        place, counted = urlsplit(request.url).netloc, self.faults.counted
        told = {"wall": self.wall.now().isoformat()} | _kept(request)  # as it came: moto adds to it
        self._begin()
        taken = super().take(request, question)
        first, struck = place not in self._touched, counted != self.faults.counted
        if first or struck or self._drew or _changes(request, question):
            self._touched.add(place)
            self._number += 1
            self._note("request", taken.now, status=taken.reply[0] if taken.reply else None, **told)
        elif not isinstance(self.clock, VirtualClock) and taken.now - self._noted_at > EVERY * self.speed:
            self._note("time", taken.now)
        return self._refused() if self._lost else taken

    def _begin(self) -> None:
        """Let moto's chances follow from how much was written down until now."""
        mock_random.seed(f"{self.spec.seed}/{self._number}")
        self._drew = False

    def _settle(self, *asked: Any) -> None:
        """Settle, and see whether moto drew a name for what came about: at another instant it would draw another."""
        before = mock_random.getstate()
        super()._settle(*asked)
        self._drew = self._drew or mock_random.getstate() != before

    def _refused(self) -> Taken:
        """The answer once the file cannot be written: what would be lost is not confirmed to anybody."""
        return Taken(json_error("InternalServerException", 500, {"message": self._lost}), None, self.clock.now())

    def wait_in_vain(self, kind: FaultKind) -> None:
        """Let the time of an answer that never comes pass."""
        super().wait_in_vain(kind)
        with self.lock:
            self._note("time", self.clock.now())

    @property
    def speed(self) -> float:
        """How fast the clock runs."""
        return float(getattr(self.clock, "speed", 1.0))

    def _note(self, kind: str, at: datetime, **more: Any) -> None:
        self._noted_at = at
        if self._journal is None:
            return
        try:
            self._journal.append({"kind": kind, "at": at.isoformat()} | more)
        except OSError as error:
            self._lost = f"The state file {self._journal.path} cannot be written: {error.strerror}. Nothing is served."
            return
        self._changes += 1
        self.tidy()

    def shorten(self) -> str:
        """Let the world as it stands take the place of what led to it in the file; why that cannot be, in words.

        Where requests are under way nobody should call this: their headers are their senders' own.
        """
        assert self._journal is not None
        self._changes = 0  # whatever comes of it, the next try is as far away
        parts = {name: part for name, part in vars(self).items() if name not in OF_THE_PROCESS}
        try:
            stands = still.write(parts, door=self)
            told = {"stands": base64.b64encode(stands).decode(), "made_by": still.made_by()}
            self._journal.begin(_head(self.spec, self.clock.now()) | told)
        except still.Unwritable as error:
            self._most = None
            return f"It grows with every change, for moto holds what cannot be written as it stands: {error}."
        except OSError as error:
            return f"It could not be made short: {error.strerror}."
        return ""

    def stand(self, stands: str) -> None:
        """Be as the file says that this world stood.

        Raises:
            InvalidState: it says what no world is made of.
        """
        vars(self).update(still.read(base64.b64decode(stands), door=self))

    # --- done again --------------------------------------------------------------------------------------------------

    def repeat(self, entry: Json) -> None:
        """Do again what was written down.

        Raises:
            InvalidState: it goes otherwise than it went.
        """
        at = datetime.fromisoformat(entry["at"])
        given = _Given(at)
        self.clock, self.wall = given, given
        if entry["kind"] == "faults":
            self.add_faults(Fault.model_validate(fault) for fault in entry["faults"])
        elif entry["kind"] == "clear":
            self.clear_faults()
        elif entry["kind"] == "look":
            self.present()
        elif entry["kind"] == "request":
            self.wall = _Given(datetime.fromisoformat(entry["wall"]))
            status = self._again(entry)
            if status != entry["status"]:
                raise InvalidState(f"{entry['method']} {entry['url']} was answered {entry['status']}, and now {status}")
        self._noted_at = at

    def _again(self, entry: Json) -> int | None:
        body = base64.b64decode(entry["base64"]) if "base64" in entry else entry["body"].encode()
        try:
            return self.answer_http(entry["method"], entry["url"], entry["headers"], body)[0]
        except Dropped:
            return None

    def go_on(self, clock: Clock, journal: Journal, changes: int) -> None:
        """From here on live by this clock, and write down what happens after so many changes."""
        self._noted_at, self._changes = clock.now(), changes
        self.live_by(clock)
        self._journal = journal

    def tidy(self) -> str:
        """Make the file short where it has become long; why that cannot be, in words."""
        long = self._most is not None and self._changes >= self._most and not self._under_way
        return f" {told}" if long and (told := self.shorten()) else ""


class _Given:
    """An instant that is given, and does not pass."""

    def __init__(self, at: datetime) -> None:
        self._at = at

    def now(self) -> datetime:
        return self._at

    def sleep(self, seconds: float) -> None:
        del seconds


def open_kept(path: Path, spec: WorldSpec | None, *, speed: float, most: int | None = MOST) -> tuple[KeptGateway, str]:
    """The world of a state file, as it was when it was last served, or this one where the file is new.

    What was found is told in words.

    Raises:
        InvalidState: the file is none of ours, is damaged, in use, of another world, or cannot be repeated.
    """
    journal = Journal(path)
    try:
        kept = journal.read()
        if kept is None:
            return _begun(journal, spec, speed, most)
        gateway = _repeated(path, kept, spec, most)
        last = gateway.clock.now()
        gateway.go_on(make_clock(last, speed), journal, len(kept.entries))
    except BaseException:
        journal.close()
        raise
    long = gateway.tidy()
    lost = " What a crash cut off was answered to nobody, and is gone." if kept.torn else ""
    return gateway, f"{path}: {_counted(len(kept.entries), last)} done again.{lost}{long}"


def _counted(changes: int, last: datetime) -> str:
    until = f"until {last.isoformat()}"
    return f"1 change {until} was" if changes == 1 else f"{changes:,} changes {until} were"


def _begun(journal: Journal, spec: WorldSpec | None, speed: float, most: int | None) -> tuple[KeptGateway, str]:
    path = journal.path
    if spec is None:
        path.unlink()
        raise InvalidState(f"The state file {path} is new, so it needs a world to begin with. Name one with --world.")
    journal.begin(_head(spec, spec.start_time))
    gateway = KeptGateway(spec, make_clock(spec.start_time, speed), journal, most=most)
    return gateway, f"{path} keeps this world from now on."


def _repeated(path: Path, kept: Kept, spec: WorldSpec | None, most: int | None) -> KeptGateway:
    """The world after everything that is kept was done again, on what stood before."""
    told = _told(path, kept.head)
    if spec is not None and spec != told:
        raise InvalidState(f"{path} keeps another world. Leave --world out to go on with it, or choose another file.")
    gateway = KeptGateway(told, _Given(datetime.fromisoformat(kept.head["at"])), None, most=most)
    if "stands" in kept.head:
        _stand(path, kept.head, gateway)
    for number, entry in enumerate(kept.entries, start=2):
        try:
            gateway.repeat(entry)
        except (InvalidState, KeyError, ValueError) as error:
            versions = f"It was written by drskit {kept.head['drskit']} with moto {kept.head['moto']}"
            raise InvalidState(
                f"{path}:{number}: the world cannot be repeated: {error}. {versions}; use those, or begin anew."
            ) from error
    return gateway


def _stand(path: Path, head: Json, gateway: KeptGateway) -> None:
    """Let the world be as the file's beginning says."""
    if head.get("made_by") != still.made_by():
        raise InvalidState(
            f"{path} keeps its world as {head.get('made_by')} has it in memory, and this is {still.made_by()}. "
            "Use those to go on with it, or begin anew."
        )
    try:
        gateway.stand(head["stands"])
    except (InvalidState, ValueError) as error:
        raise InvalidState(f"{path}:1: {error}") from error


def _head(spec: WorldSpec, at: datetime) -> Json:
    world = spec.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return {"moto": moto.__version__, "at": at.astimezone(UTC).isoformat(), "world": world}


def _told(path: Path, head: Json) -> WorldSpec:
    try:
        return read_world(head["world"], name=str(path))
    except (InvalidWorld, KeyError) as error:
        raise InvalidState(f"{path}:1: the world in the state file cannot be read: {error}") from error


def _changes(request: AWSPreparedRequest, question: Question) -> bool:
    """Whether a request may change anything; where that cannot be told it does."""
    if question.operation:
        return not question.operation.startswith(READS)
    return request.method not in {"GET", "HEAD", "OPTIONS"}


def _kept(request: AWSPreparedRequest) -> Json:
    """A request as it is written down: without what could be anybody's secret."""
    headers = [[key, SIGNATURE.sub("Signature=0", _text(value))] for key, value in request.headers.items()]
    told: Json = {
        "method": request.method,
        "url": request.url,
        "headers": [pair for pair in headers if pair[0].lower() not in PRIVATE],
    }
    body = request.body if isinstance(request.body, bytes) else str(request.body or "").encode()
    try:
        return told | {"body": body.decode()}
    except UnicodeDecodeError:
        return told | {"base64": base64.b64encode(body).decode()}


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value
