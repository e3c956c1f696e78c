"""The one door to a simulated world.

Every request to any service passes here, in process or over HTTP, one at a
time: moto's conditional writes are not atomic across threads. The door settles
the world, lets faults strike, and writes the world's time into each reply.

moto keeps its state in tables of the process. They hold a world's state only
while one of its requests is answered, so several worlds can live in a process.
"""

import json
import re
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import format_datetime
from functools import cache, partial
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

from botocore.awsrequest import AWSPreparedRequest
from botocore.compat import HTTPHeaders
from botocore.exceptions import (
    BotoCoreError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
)
from moto import mock_aws
from moto.backends import get_backend
from moto.core.base_backend import BackendDict
from moto.core.botocore_stubber import BotocoreStubber
from moto.core.models import botocore_stubber
from moto.core.request import normalize_request
from werkzeug.exceptions import HTTPException

from drskit import __version__
from drskit.clock import Clock, SystemClock, VirtualClock
from drskit.sim.backend.lag import Indexes
from drskit.sim.backend.models import DrsBackend, drs_backends
from drskit.sim.backend.registration import register
from drskit.sim.backend.responses import operation_of
from drskit.sim.estate import Estate
from drskit.sim.faults import (
    CARRIED_OUT,
    SILENT,
    WAITS,
    Dropped,
    FaultBook,
    Reply,
    error_reply,
    json_error,
    xml_error,
)
from drskit.sim.fragments import dump
from drskit.sim.spec import Fault, FaultKind, WorldSpec, span
from drskit.sim.wire import Scribe
from drskit.sim.world import World

DIRECT = frozenset({"drs", "dynamodb", "ec2", "sts"})
BROKEN: dict[FaultKind, type[BotoCoreError]] = {
    FaultKind.LOST_REQUEST: ConnectionClosedError,
    FaultKind.REFUSED: EndpointConnectionError,
    FaultKind.BLACK_HOLE: ConnectTimeoutError,
}
"""What botocore raises when no answer comes, where it is not a read that timed out."""
SIGNATURE_AGE = timedelta(minutes=5)
HEADER = "x-drskit-simulated"
_LOCK = threading.RLock()
"""Held while a request is answered, whichever world it belongs to."""


@dataclass(frozen=True)
class Question:
    """What a request asks, read off its address, headers and body."""

    service: str
    operation: str
    signed_at: str
    form: bool
    """Whether it is asked in a form, and wants XML."""
    body: str
    """What it says of servers; empty where the body is no text."""


@dataclass(frozen=True)
class Taken:
    """What became of a request."""

    reply: Reply | None
    """None where no answer will come."""
    dropped: FaultKind | None
    """Why."""
    now: datetime
    """When it came."""


@dataclass(frozen=True)
class _Late:
    """A request under way, whose sender has given up."""

    arrives_at: datetime
    request: AWSPreparedRequest
    question: Question


class Gateway:
    """A world behind moto."""

    def __init__(self, spec: WorldSpec, clock: Clock) -> None:
        register()
        self.lock = _LOCK
        self.clock = clock
        self.wall: Clock = SystemClock()
        self._under_way: list[_Late] = []
        self._tables: dict[Any, dict[str, Any]] = {}
        self.replace(spec)

    def replace(self, spec: WorldSpec) -> None:
        """Put another world in the place of this one; tables, instances and faults start afresh, the clock runs on."""
        with self.lock:
            self.spec = spec
            self.world = World(spec)
            self._estate = Estate(self.world)
            self._abroad: dict[str, Estate] = {}
            self._tables = {}
            self._under_way = []
            self._indexes = Indexes(span(spec.behaviour.index_lag))
            self.faults = FaultBook(partial(self.world.ids.chance, "fault"))
            for fault in spec.faults:
                self.faults.add(fault)
            with self._present():
                drs_backends[spec.account][spec.region].inhabit(self.world, self.clock)

    def live_by(self, clock: Clock) -> None:
        """Go on by another clock, and by the machine's own where that is asked for."""
        with self.lock:
            self.clock, self.wall = clock, SystemClock()
            with self._present():
                drs_backends[self.spec.account][self.spec.region].clock = clock

    def close(self) -> None:
        """Nothing is asked any more."""

    def pass_time(self, seconds: float) -> None:
        """Let a virtual clock jump; the others pass by themselves."""
        with self.lock:
            if isinstance(self.clock, VirtualClock):
                self.clock.sleep(seconds)

    def add_faults(self, faults: Iterable[Fault]) -> None:
        """Set up more faults."""
        with self.lock:
            for fault in faults:
                self.faults.add(fault)

    def clear_faults(self) -> None:
        """No more faults."""
        with self.lock:
            self.faults.clear()

    def knows(self, region: str) -> bool:
        """Whether there is such a Region."""
        return region in drs_backends[self.spec.account].regions

    def answer(self, request: AWSPreparedRequest) -> Reply:
        """The reply to a request.

        Raises:
            Dropped: there is none.
        """
        question = _read(request)
        with self.lock:
            taken = self.take(request, question)
        if taken.reply is None:
            assert taken.dropped is not None
            self.wait_in_vain(taken.dropped)
            raise Dropped(taken.dropped)
        return self._stamped(taken.reply, taken.now)

    def take(self, request: AWSPreparedRequest, question: Question) -> Taken:
        """Let faults strike a request, and carry it out; whoever calls it holds the lock."""
        now, reply = self.clock.now(), None
        self._let_arrive(now)
        fault = self.faults.next(question.service, question.operation, now, question.body)
        kind = fault.kind if fault else None
        if kind is None or kind in CARRIED_OUT:
            reply = self._carry_out(request, question, now)
        if kind is not None:
            reply = None if kind in SILENT else error_reply(question.service, kind, form=question.form)
        if fault and fault.seconds:
            self._under_way.append(_Late(now + timedelta(seconds=fault.seconds), request, question))
        return Taken(reply, kind, now)

    def wait_in_vain(self, kind: FaultKind) -> None:
        """Let as much time pass as a client waits for an answer that never comes."""
        self.clock.sleep(WAITS.get(kind, 0))

    def answer_http(self, method: str, url: str, headers: Iterable[tuple[str, str]], body: bytes) -> Reply:
        """The reply to a request that came over the wire, under the address that AWS would have.

        Raises:
            Dropped: there is none.
        """
        named = HTTPHeaders()
        for key, value in headers:
            named[key] = value
        del named["Host"]  # whether or not there is one
        named["Host"] = urlsplit(url).netloc
        return self.answer(AWSPreparedRequest(method, url, named, body, stream_output=False))

    @contextmanager
    def answering_boto3(self) -> Iterator[None]:
        """Let moto's stub of botocore ask here."""

        def process_request(request: AWSPreparedRequest) -> Reply:
            try:
                return self.answer(request)
            except Dropped as dropped:
                # What botocore would raise, had the connection really gone.
                broken = BROKEN.get(dropped.kind, ReadTimeoutError)
                raise broken(endpoint_url=request.url, error=dropped) from dropped

        with mock_aws():
            _ANSWERING.append(process_request)
            _let_the_last_answer()
            try:
                yield
            finally:
                _ANSWERING.remove(process_request)
                _let_the_last_answer()

    def present(self) -> dict[str, Any]:
        """The world as it stands, for people and tools."""
        with self.lock:
            now = self.clock.now()
            self._let_arrive(now)
            with self._present():
                self._settle("drs", now, "")
            scribe, world = Scribe(world=self.world, now=now), self.world
            shown = {
                "now": now.isoformat(),
                "about": self.spec.about,
                "account": self.spec.account,
                "region": self.spec.region,
                "sourceServers": [scribe.source_server(server) for server in world.servers.values()],
                "jobs": [scribe.job(job) for job in world.visible_jobs(now)],
                "recoveryInstances": [scribe.recovery_instance(one) for one in world.listed_instances(now)],
                "faults": self.faults.to_json(),
            }
            plain: dict[str, Any] = json.loads(dump(shown))
            return plain

    def _let_arrive(self, now: datetime) -> None:
        """Carry out what was under way until now, each request as of its arrival; nobody hears the answers."""
        arrived = sorted((late for late in self._under_way if late.arrives_at <= now), key=lambda late: late.arrives_at)
        self._under_way = [late for late in self._under_way if late.arrives_at > now]
        for late in arrived:
            self._carry_out(late.request, late.question, late.arrives_at)

    def _carry_out(self, request: AWSPreparedRequest, question: Question, now: datetime) -> Reply:
        checked = question.operation == "StartRecovery" and self.spec.behaviour.check_signature_age
        if checked and (stale := _stale(question.signed_at, now, self.wall.now())):
            return json_error("InvalidSignatureException", 403, {"message": stale})
        request.headers["x-moto-account-id"] = self.spec.account
        with self._present():
            DrsBackend.moment = now
            self._settle(question.service, now, question.operation)
            try:
                with self._behind(question, now):
                    reply = _dispatch(request, question.service)
            except NotImplementedError:
                reply = None
            finally:
                DrsBackend.moment = None
        if reply is None:
            message = f"drskit's simulator does not simulate {question.operation} of {question.service}"
            if question.form:
                return xml_error(question.service, "UnknownOperation", 501, message)
            return json_error("UnknownOperationException", 501, {"message": message})
        return reply

    def _settle(self, service: str, now: datetime, operation: str) -> None:
        """Settle the world, and what failback has put into other Regions."""
        self._estate.settle(service, now, operation)
        backends = drs_backends[self.spec.account]
        if len(backends) == 1:
            return
        for region, backend in backends.items():
            if region != self.spec.region and backend.world.servers:
                self._abroad.setdefault(region, Estate(backend.world)).settle(service, now, operation)

    def _behind(self, question: Question, now: datetime) -> AbstractContextManager[None]:
        """Let DynamoDB's indexes be as far behind as the world says."""
        if question.service != "dynamodb" or not self.spec.behaviour.index_lag:
            return nullcontext()
        tables = get_backend("dynamodb")[self.spec.account][self.spec.region].tables
        return self._indexes.serving(question.operation, tables.values, now)

    @contextmanager
    def _present(self) -> Iterator[None]:
        """Let moto's tables hold this world, and give them back as they were."""
        with self.lock:
            elsewhere = _swap(self._tables)
            try:
                yield
            finally:
                self._tables = _swap(elsewhere)

    def _stamped(self, reply: Reply, now: datetime) -> Reply:
        status, headers, body = reply
        kept = {key: str(value) for key, value in headers.items() if key.lower() != "date"}
        return status, kept | {"date": format_datetime(now, usegmt=True), HEADER: __version__}, body


_ANSWERING: list[Callable[[AWSPreparedRequest], Reply]] = []
"""Who answers boto3 in this process: the world that was opened last; worlds may close in any order."""


def _let_the_last_answer() -> None:
    """Put the last world's answers in the place of moto's own, or give moto's back when there is none."""
    vars(botocore_stubber).pop("process_request", None)
    if _ANSWERING:
        setattr(botocore_stubber, "process_request", _ANSWERING[-1])  # noqa: B010 - a method of moto's one stub


def _dispatch(request: AWSPreparedRequest, service: str) -> Reply | None:
    """Moto's answer; None where it has none.

    moto's own dispatcher makes a backend of us-east-1 for every service that is asked, which takes EC2 half a second;
    for the services that a drill asks all the time we look up the handler ourselves.
    """
    if service not in DIRECT:
        return cast("Reply | None", BotocoreStubber().process_request(request))
    address = urlsplit(request.url)
    for pattern, handler in _routes(service):
        if pattern.match(f"https://{address.netloc}{address.path}"):
            asked = normalize_request(request)
            try:
                return cast("Reply", handler(asked, asked.raw_url, asked.headers))
            except HTTPException as error:
                return error.code or 500, dict(error.get_headers()), error.get_body()
    return None


@cache
def _routes(service: str) -> tuple[tuple[re.Pattern[str], Callable[..., object]], ...]:
    """The handlers of a service's addresses."""
    if service == "dynamodb":
        from drskit.sim.backend.quick import quicken

        quicken()
    tables: Any = get_backend(cast("Any", service))
    blank = object.__new__(tables.backend)  # the addresses depend on the class alone
    return tuple((re.compile(url), handler) for url, handler in blank.urls.items())


def _swap(tables: dict[Any, dict[str, Any]]) -> dict[Any, dict[str, Any]]:
    """Put these contents into moto's tables; what they held comes back."""
    in_use: list[Any] = getattr(BackendDict, "_instances")  # noqa: B009 - moto's list of the tables that hold anything
    held = {table: dict(table) for table in in_use}
    for table in held:
        table.clear()
    for table, content in tables.items():
        dict.update(table, content)
    in_use[:] = list(tables)
    return held


def _read(request: AWSPreparedRequest) -> Question:
    address = urlsplit(request.url)
    service = address.netloc.split(".")[0].removesuffix("-fips")
    signed_at = _text(request.headers.get("X-Amz-Date"))
    form = _text(request.headers.get("Content-Type")).startswith("application/x-www-form-urlencoded")
    target = _text(request.headers.get("X-Amz-Target"))
    body = _text(request.body) if isinstance(request.body, str | bytes) else ""
    if target:
        operation = target.rpartition(".")[2]
    elif service == "drs":
        operation = operation_of(str(request.method), address.path)
    else:
        operation = parse_qs(body).get("Action", [""])[0] if form else ""
    return Question(service, operation, signed_at, form, body)


def _text(value: str | bytes | None) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value or ""


def _stale(signed_at: str, now: datetime, wall: datetime) -> str | None:
    """AWS's complaint about an old signature.

    Old means old by the world's time and by the wall clock: a stock client signs with the wall clock, however far from
    it the world's time may be.
    """
    try:
        signed = datetime.strptime(signed_at, "%Y%m%dT%H%M%S%z")
    except ValueError:
        return None
    reference = min(now, wall)
    if reference - signed <= SIGNATURE_AGE:
        return None
    limit, present = (f"{at:%Y%m%dT%H%M%SZ}" for at in (reference - SIGNATURE_AGE, reference))
    return f"Signature expired: {signed_at} is now earlier than {limit} ({present} - 5 min.)"
