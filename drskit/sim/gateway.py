"""The one door to a simulated world.

Every request to any service passes here, in process or over HTTP, one at a
time: moto's conditional writes are not atomic across threads. The door settles
the world, lets faults strike, and writes the world's time into each reply.
"""

import json
import threading
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import format_datetime
from functools import partial
from typing import Any
from urllib.parse import urlsplit

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

from drskit import __version__
from drskit.clock import Clock, SystemClock, VirtualClock
from drskit.sim.backend.insides import ANSWERING, dispatch, let_the_last_answer, swap
from drskit.sim.backend.lag import Indexes
from drskit.sim.backend.models import DrsBackend, drs_backends
from drskit.sim.backend.registration import register
from drskit.sim.backend.roles import Roles
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
from drskit.sim.fleet import Fleet
from drskit.sim.fragments import dump
from drskit.sim.inbox import Inbox
from drskit.sim.questions import SIGNED_IN_TIME, Question, read, stale
from drskit.sim.spec import Fault, FaultKind, WorldSpec, span
from drskit.sim.standins import StandIns
from drskit.sim.wire import Scribe
from drskit.sim.world import World

BROKEN: dict[FaultKind, type[BotoCoreError]] = {
    FaultKind.LOST_REQUEST: ConnectionClosedError,
    FaultKind.REFUSED: EndpointConnectionError,
    FaultKind.BLACK_HOLE: ConnectTimeoutError,
}
"""What botocore raises when no answer comes, where it is not a read that timed out."""
HEADER = "x-drskit-simulated"
ACCOUNT = "x-moto-account-id"
"""The header by which moto knows whose request it is."""
REQUEST_IDS = frozenset({"x-amzn-requestid", "x-amz-request-id"})
"""The headers in which an answer says which one it is; moto leaves them out of some."""
_LOCK = threading.RLock()
"""Held while a request is answered, whichever world it belongs to."""


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
        self._answered = 0
        self._tables: dict[Any, dict[str, Any]] = {}
        self.replace(spec)

    def replace(self, spec: WorldSpec) -> None:
        """Put another world in the place of this one; tables, instances and faults start afresh, the clock runs on."""
        with self.lock:
            self.spec = spec
            self.world = World(spec)
            self._estate = Estate(self.world)
            self._abroad: dict[str, Estate] = {}
            self._stand_ins = StandIns(self._estate_of)
            self._fleet = Fleet(self.world)
            self._roles = Roles(self.world)
            self._tables = {}
            self._under_way = []
            self.inbox = Inbox()
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
        question = read(request)
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
            ANSWERING.append(process_request)
            let_the_last_answer()
            try:
                yield
            finally:
                ANSWERING.remove(process_request)
                let_the_last_answer()

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

    def received(self) -> list[dict[str, Any]]:
        """What the services that actions ask have received and carried out, oldest first."""
        with self.lock:
            self._let_arrive(self.clock.now())
            return self.world.received.to_json()

    def _let_arrive(self, now: datetime) -> None:
        """Carry out what was under way until now, each request as of its arrival; nobody hears the answers."""
        arrived = sorted((late for late in self._under_way if late.arrives_at <= now), key=lambda late: late.arrives_at)
        self._under_way = [late for late in self._under_way if late.arrives_at > now]
        for late in arrived:
            self._carry_out(late.request, late.question, late.arrives_at)

    def _carry_out(self, request: AWSPreparedRequest, question: Question, now: datetime) -> Reply:
        checked = question.operation in SIGNED_IN_TIME and self.spec.behaviour.check_signature_age
        if checked and (complaint := stale(question.signed_at, now, self.wall.now())):
            if question.form:
                return xml_error(question.service, "SignatureDoesNotMatch", 403, complaint)
            return json_error("InvalidSignatureException", 403, {"message": complaint})
        if ACCOUNT in request.headers:
            del request.headers[ACCOUNT]  # some kinds of headers would keep both
        request.headers[ACCOUNT] = self.spec.account
        with self._present():
            DrsBackend.moment = now
            self._settle(question.service, now, question.operation)
            if question.service == "iam":
                self._roles.settle()
            if question.service == "ec2" and self.spec.behaviour.source_instances:
                self._fleet.settle(question.region)
            try:
                if self.spec.behaviour.targets_exist:
                    self.inbox.prepare(question, self.spec.account, self.spec.region)
                with self._behind(question, now):
                    reply = self._stand_ins.answer(question, now) or dispatch(request, question.service)
                self.inbox.note(question, reply, now)
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

    def _estate_of(self, region: str) -> Estate:
        """The EC2 side of a Region."""
        if region == self.spec.region:
            return self._estate
        return self._abroad.setdefault(region, Estate(drs_backends[self.spec.account][region].world))

    def _settle(self, service: str, now: datetime, operation: str) -> None:
        """Settle the world, and what failback has put into other Regions.

        Tables neither show nor change it: a request to them settles only what somebody is told of at once.
        """
        if service == "dynamodb" and not any(one.is_heard for one in (self._estate, *self._abroad.values())):
            return
        self._estate.settle(service, now, operation)
        backends = drs_backends[self.spec.account]
        if len(backends) == 1:
            return
        for region, backend in backends.items():
            if region != self.spec.region and backend.world.servers:
                self._estate_of(region).settle(service, now, operation)

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
            elsewhere = swap(self._tables)
            try:
                yield
            finally:
                self._tables = swap(elsewhere)

    def _stamped(self, reply: Reply, now: datetime) -> Reply:
        status, headers, body = reply
        kept = {key: str(value) for key, value in headers.items() if key.lower() != "date"}
        self._answered += 1
        told = {"date": format_datetime(now, usegmt=True), HEADER: __version__}
        if not REQUEST_IDS & {key.lower() for key in kept}:
            told["x-amzn-RequestId"] = self.world.ids.uuid("request", self._answered)
        return status, kept | told, body
