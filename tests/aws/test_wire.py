"""How often a call goes out: counted on the wire, by a host that breaks in ten ways.

Launches and terminations go out once, whatever breaks and whatever the
environment says; reads go out once, for the cadence repeats them; writes to the
tables are repeated by the SDK, for they know themselves again.
"""

import socket
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from threading import Thread

import pytest
from botocore.exceptions import BotoCoreError, ClientError
from botocore.retries.standard import ExponentialBackoff

from drskit.aws.clients import Clients
from drskit.aws.faults import UNREADABLE
from drskit.aws.quotas import ServiceQuotas
from drskit.aws.recovery import DrsRecovery
from drskit.errors import Unavailable
from drskit.ports import NotExecuted, Started, Unknown
from drskit.store.dynamodb import DynamoDbStore
from tests.aws.conftest import REGION, become_nobody
from tests.builders import attempt_of, sid

LINGER = struct.pack("ii", 1, 0)
"""Closing sends a reset, and not an end."""
STATUSES = {"500": 500, "502": 502, "503": 503, "504": 504, "429": 429}
MODES = ("reset before the body", "reset after the body", *STATUSES, "no reply", "half a reply", "garbage")
ENVIRONMENTS = [
    {},
    {"AWS_MAX_ATTEMPTS": "9", "AWS_RETRY_MODE": "legacy"},
    {"AWS_MAX_ATTEMPTS": "9", "AWS_RETRY_MODE": "adaptive"},
]


@dataclass
class Breaking:
    """A host that reads each request, counts it, and breaks in the way that it was told."""

    mode: str = ""
    count: int = 0
    listener: socket.socket = field(default_factory=lambda: socket.create_server(("127.0.0.1", 0)))
    meetings: list[Thread] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.listener.getsockname()[1]}"

    def serve(self) -> None:
        """Until the listener is closed."""
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.meetings.append(Thread(target=self._meet, args=(connection,), daemon=True))
            self.meetings[-1].start()

    def heard(self) -> int:
        """How many requests were sent until now, also those whose client did not wait until they were read."""
        with socket.create_connection(self.listener.getsockname()) as last:
            last.shutdown(socket.SHUT_WR)
            last.recv(1)  # it is met after all others
        for meeting in self.meetings:
            meeting.join()
        self.meetings.clear()
        return self.count

    def _meet(self, connection: socket.socket) -> None:
        with connection:
            head, _, body = _until(connection, b"\r\n\r\n").partition(b"\r\n\r\n")
            if not head:
                return
            self.count += 1
            if self.mode == "no tunnel":
                connection.sendall(b"HTTP/1.1 407 Who are you?\r\ncontent-length: 0\r\n\r\n")
                return
            if self.mode == "reset before the body":
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER)
                return
            length = next(
                int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")
            )
            while len(body) < length:
                body += connection.recv(65536)
            self._break(connection)

    def _break(self, connection: socket.socket) -> None:
        if self.mode in STATUSES:
            reply = b'{"message": "no"}'
            head = f"HTTP/1.1 {STATUSES[self.mode]} No\r\nconnection: close\r\ncontent-length: {len(reply)}\r\n"
            code = "ThrottlingException" if self.mode == "429" else "InternalServerException"
            connection.sendall(f"{head}x-amzn-errortype: {code}\r\n\r\n".encode() + reply)
        elif self.mode == "half a reply":
            connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{")
        elif self.mode == "garbage":
            connection.sendall(b"\x16\x03\x01 this is no HTTP\r\n\r\n")
        elif self.mode == "no reply":
            connection.recv(1)  # until the client has given up
        else:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER)

    def requests(self, mode: str, call: Callable[[], object]) -> int:
        """How many requests a call comes to."""
        self.mode, self.count = mode, 0
        with pytest.raises((Unavailable, ClientError, BotoCoreError, *UNREADABLE)):
            call()
        return self.heard()


def _until(connection: socket.socket, end: bytes) -> bytes:
    data = b""
    while end not in data:
        more = connection.recv(65536)
        if not more:
            return b""
        data += more
    return data


@dataclass
class Wired:
    """Every client of drskit's, towards one breaking host."""

    host: Breaking
    clients: Clients

    def __post_init__(self) -> None:
        self.launcher = impatient(self.clients.drs_launcher(REGION))
        self.ec2 = impatient(self.clients.ec2(REGION))
        self.sts = impatient(self.clients.sts())
        self.store = DynamoDbStore(impatient(self.clients.dynamodb()))
        self.recovery = DrsRecovery(
            impatient(self.clients.drs(REGION)), self.launcher, self.ec2, REGION,
            ServiceQuotas(lambda: self.clients.service_quotas(REGION), REGION),
        )  # fmt: skip


def impatient(client):
    """A client that gives up waiting for a reply after a fifth of a second; all else is as drskit made it."""
    http = client._endpoint.http_session
    http._manager.connection_pool_kw["timeout"] = http._timeout = 0.2  # the latter beyond a proxy
    return client


@pytest.fixture(scope="module", params=ENVIRONMENTS, ids=["plain", "legacy", "adaptive"])
def wired(request) -> Iterator[Wired]:
    """Clients made under an environment that may ask for many attempts."""
    host = Breaking()
    Thread(target=host.serve, daemon=True).start()
    with pytest.MonkeyPatch.context() as monkeypatch:
        become_nobody(monkeypatch)
        monkeypatch.setenv("AWS_ENDPOINT_URL", host.url)
        for name, value in request.param.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(ExponentialBackoff, "delay_amount", lambda *_: 0)  # the SDK waits in real time
        yield Wired(host, Clients(region=REGION))
    host.listener.close()


@pytest.mark.parametrize("mode", MODES)
def test_a_launch_goes_out_once(wired, mode):
    """And has one of three outcomes: only a throttle is certainly not carried out."""
    wired.host.mode, wired.host.count = mode, 0
    outcome = wired.recovery.start_recovery(attempt_of(), {"a": "b"})
    assert 1 == wired.host.heard()
    assert not isinstance(outcome, Started)
    assert (NotExecuted if mode == "429" else Unknown) is type(outcome)
    assert mode != "429" or outcome.transient


@pytest.fixture
def proxied(monkeypatch, credentials) -> Iterator[Breaking]:
    """A proxy that takes requests for a host beyond it, and breaks."""
    proxy = Breaking()
    Thread(target=proxy.serve, daemon=True).start()
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    for name in ("HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, proxy.url)
    yield proxy
    proxy.listener.close()


def launched(monkeypatch: pytest.MonkeyPatch, url: str) -> Started | NotExecuted | Unknown:
    """What a launch at this address comes to."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", url)
    clients = Clients(region=REGION)
    quotas = ServiceQuotas(lambda: clients.service_quotas(REGION), REGION)
    launcher = impatient(clients.drs_launcher(REGION))
    recovery = DrsRecovery(clients.drs(REGION), launcher, clients.ec2(REGION), REGION, quotas)
    return recovery.start_recovery(attempt_of(), {"a": "b"})


@pytest.mark.parametrize("mode", ["reset before the body", "reset after the body", "no reply", "garbage"])
def test_a_launch_that_breaks_beyond_a_proxy_may_have_happened(monkeypatch, proxied, mode):
    """The SDK says that the proxy could not be reached, and the proxy has passed the request on by then."""
    proxied.mode = mode
    assert isinstance(launched(monkeypatch, "http://drs.invalid"), Unknown)
    assert 1 == proxied.heard()


def test_a_launch_that_does_not_get_beyond_a_proxy_only_delays(monkeypatch, proxied):
    """It opens no way to the host, or does not answer at all."""
    proxied.mode = "no tunnel"
    outcome = launched(monkeypatch, "https://drs.invalid")
    proxied.listener.close()
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    for refused in (outcome, launched(monkeypatch, "http://drs.invalid")):
        assert isinstance(refused, NotExecuted)
        assert ("ConnectionFailed", True) == (refused.code, refused.transient)


@pytest.mark.parametrize("mode", MODES)
def test_a_termination_goes_out_once(wired, mode):
    """By the client that launches, and signed like a launch."""
    wired.host.mode, wired.host.count = mode, 0
    wired.recovery.terminate(attempt_of(), ["i-0123456789abcdef0"])
    assert 1 == wired.host.heard()


@pytest.mark.parametrize("mode", MODES)
def test_a_read_goes_out_once(wired, mode):
    """And comes to nothing but that nobody can tell: never to an empty list."""
    recovery = wired.recovery
    for read in (
        lambda: recovery.jobs(job_ids=["drsjob-10000000000000000"]),
        lambda: recovery.source_servers([sid(1)]),
        lambda: recovery.recovery_instances([sid(1)]),
        lambda: recovery.job_log("drsjob-10000000000000000"),
        lambda: recovery.tagged_instances([sid(1)]),
        wired.sts.get_caller_identity,
    ):
        assert 1 == wired.host.requests(mode, read)


@pytest.mark.parametrize("mode", MODES)
def test_the_tables_are_asked_again(wired, mode):
    """Five times where the SDK sees that it broke; nothing is taken for an answer, not even half of one."""
    expected = 1 if mode == "half a reply" else 5
    assert expected == wired.host.requests(mode, lambda: wired.store.get_plan("shop"))
