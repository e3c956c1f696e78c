"""Ports and URLs tried over the network, by sockets of this machine: no redirect, no proxy, no long waiting."""

import socket
import ssl
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from drskit.checks import Certificate
from drskit.clock import SystemClock
from drskit.netprobe import NetworkProber
from drskit.probes import BODY_BYTES, Ask
from tests.dripping import dripping_server

HERE = "127.0.0.1"


class Handler(BaseHTTPRequestHandler):
    """Answers by the path."""

    def do_GET(self) -> None:
        """A redirect, a long answer, or what was asked for."""
        body = b"x" * 50_000 if self.path == "/long" else self.headers["Host"].encode()
        self.send_response({"/moved": 302, "/busy": 503}.get(self.path, 200))
        self.send_header("Content-Length", str(len(body)))
        if self.path == "/moved":
            self.send_header("Location", "http://169.254.169.254/latest/meta-data/")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """A server of this machine."""
    server = ThreadingHTTPServer((HERE, 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield server.server_port
    server.shutdown()
    server.server_close()


def asked(*asks):
    """The answers."""
    return NetworkProber(SystemClock()).ask(asks)


def closed_port() -> int:
    """One on which nobody listens."""
    with closing(socket.create_server((HERE, 0))) as server:
        return server.getsockname()[1]


def test_a_port_is_open_or_not(port):
    """In words that stay the same while the reason does."""
    answers = asked(Ask(HERE, port), Ask(HERE, closed_port()), Ask("no.such.host.invalid", 80))
    assert [(answer.open, answer.code) for answer in answers] == [
        (True, "open"),
        (False, "refused"),
        (False, "no such host"),
    ]


def test_a_url_is_asked_once_and_followed_nowhere(port, monkeypatch):
    """Whatever proxy is set; a redirect is an answer like any other, and of a long one the beginning is read."""
    monkeypatch.setenv("HTTP_PROXY", f"http://{HERE}:{closed_port()}")
    paths = ("/", "/moved", "/busy", "/long")
    fine, moved, busy, long = asked(*(Ask(HERE, port, f"http://{HERE}:{port}{path}") for path in paths))
    assert (fine.open, fine.status, fine.body) == (True, 200, f"{HERE}:{port}")
    assert (moved.status, moved.location) == (302, "http://169.254.169.254/latest/meta-data/")
    assert busy.status == 503
    assert len(long.body) == BODY_BYTES
    (named,) = asked(Ask(HERE, port, f"http://{HERE}:{port}/", name="shop.example.com"))
    assert named.body == f"shop.example.com:{port}"


def test_a_url_without_an_answer_has_a_reason(port):
    """Nobody listens, or somebody who speaks otherwise."""
    number = closed_port()
    with closing(socket.create_server((HERE, 0))) as rude:
        Thread(target=lambda: rude.accept()[0].sendall(b"SSH-2.0-OpenSSH\r\n") or None, daemon=True).start()
        answers = asked(
            Ask(HERE, number, f"http://{HERE}:{number}/"),
            Ask(HERE, rude.getsockname()[1], f"http://{HERE}:{rude.getsockname()[1]}/"),
            Ask(HERE, port, f"https://{HERE}:{port}/", Certificate.IGNORE),
        )
    assert [answer.open for answer in answers] == [False] * 3
    assert answers[0].code == "refused"
    assert answers[1].code == "the connection was broken off"
    assert answers[2].code.startswith("certificate: ")


def test_headers_that_never_end_keep_nobody_waiting():
    """A byte of them comes now and then, sooner than any read's own time is over."""
    with dripping_server(b"HTTP/1.1 200 OK\r\nX-Long: ") as number:
        (answer,) = NetworkProber(SystemClock(), patience=0.2).ask([Ask(HERE, number, f"http://{HERE}:{number}/")])
    assert (False, "timed out") == (answer.open, answer.code)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate of shop.example.com that nobody but itself vouches for, with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "shop.example.com")])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2120, 1, 1, tzinfo=UTC))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("shop.example.com")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "shop.pem"
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(made.public_bytes(pem) + private)
    return path


def test_a_certificate_is_held_against_the_name(certificate, monkeypatch):
    """Of one that nobody vouches for the reason is named; where it is to be ignored, the answer counts."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server = ThreadingHTTPServer((HERE, 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    url = f"https://{HERE}:{server.server_port}/"
    ask = Ask(HERE, server.server_port, url, Certificate.VERIFY, "shop.example.com")
    (unknown,) = asked(ask)
    (ignored,) = asked(replace(ask, certificate=Certificate.IGNORE))
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    (known,) = asked(ask)
    (nameless,) = asked(replace(ask, name=None))
    server.shutdown()
    server.server_close()
    assert (unknown.open, unknown.code) == (False, "certificate: self-signed certificate")
    assert (ignored.status, known.status) == (200, 200)
    assert (nameless.open, nameless.code[:13]) == (False, "certificate: ")
