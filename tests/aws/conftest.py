"""A host that answers in AWS's place with whatever it is told."""

import json
import os
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs

import pytest

from drskit.aws.clients import Clients
from drskit.aws.closer import CloserLook
from drskit.aws.quotas import ServiceQuotas
from drskit.aws.recovery import DrsRecovery

REGION = "us-west-2"
LOGIN_PAGE = b"<html><body>Please log in to the network</body></html>"


@dataclass
class Host:
    """Answers each operation with its given replies in turn, and with the last one from then on."""

    replies: dict[str, list[tuple[int, bytes, dict[str, str]]]] = field(default_factory=lambda: defaultdict(list))
    asked: list[str] = field(default_factory=list)
    """Operations, in the order of their asking."""
    bodies: list[bytes] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    """The access keys that signed."""
    url: str = ""

    def tell(self, operation, *bodies, status=200, **headers):
        """Set the replies of an operation; what is not bytes is sent as JSON."""
        raw = [body if isinstance(body, bytes) else json.dumps(body).encode() for body in bodies]
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.replies[operation] = [(status, body, named) for body in raw]

    def forget(self):
        """Be as at first."""
        self.replies.clear()
        self.asked.clear()
        self.bodies.clear()
        self.keys.clear()

    def answer(self, operation, body):
        """The next reply."""
        self.asked.append(operation)
        self.bodies.append(body)
        left = self.replies[operation]
        return left.pop(0) if len(left) > 1 else left[0]


def handler_of(host):
    """What the server calls for each request."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            signed = self.headers.get("Authorization", "").partition("Credential=")[2]
            host.keys.append(signed.partition("/")[0])
            action = parse_qs(body.decode()).get("Action") if self.path == "/" else None
            status, reply, headers = host.answer(action[0] if action else self.path.strip("/"), body)
            self.send_response(status)
            for name, value in {"Content-Length": str(len(reply)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(reply)

        def log_message(self, *_):
            pass

    return Handler


def recovery_of(clients):
    """DRS and EC2 through these clients."""
    return DrsRecovery(
        clients.drs(REGION), clients.drs_launcher(REGION), clients.ec2(REGION), REGION,
        ServiceQuotas(lambda: clients.service_quotas(REGION), REGION),
    )  # fmt: skip


def become_nobody(monkeypatch):
    """Take an identity that nobody has."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "example")


@pytest.fixture
def credentials(monkeypatch):
    """An identity that nobody has."""
    become_nobody(monkeypatch)


@pytest.fixture(scope="session")
def served() -> Iterator[tuple[Host, DrsRecovery]]:
    """A host, and the clients that ask it; both are made once, for making them takes long."""
    told = Host()
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler_of(told))
    told.url = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    with pytest.MonkeyPatch.context() as monkeypatch:
        become_nobody(monkeypatch)
        monkeypatch.setenv("AWS_ENDPOINT_URL", told.url)
        recovery = recovery_of(Clients(region=REGION))
    yield told, recovery
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def host(served) -> Host:
    """The host, told nothing yet."""
    served[0].forget()
    return served[0]


@pytest.fixture
def recovery(served) -> DrsRecovery:
    """DRS and EC2, as the host has them."""
    return served[1]


@pytest.fixture
def closer(recovery) -> CloserLook:
    """What DRS tells of one server at a time, asked by the same client."""
    return CloserLook(recovery._drs, REGION)
