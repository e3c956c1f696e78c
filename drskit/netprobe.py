"""Ports and URLs tried over the network, for checks that run from here.

Each probe has a short time of its own, whatever is sent meanwhile, and follows
no redirect; proxies are not used, for what is tried is a private address. A
batch has a time, too: what it does not reach is tried in the next pass.
"""

import socket
import ssl
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import datetime, timedelta

import urllib3
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    InsecureRequestWarning,
    LocationParseError,
    NameResolutionError,
    NewConnectionError,
    ReadTimeoutError,
    SSLError,
)

from drskit.checks import Certificate
from drskit.clock import Clock
from drskit.cutoff import within
from drskit.probes import BODY_BYTES, SECONDS, Answer, Ask

AT_ONCE = 32
BATCH_TIME = timedelta(seconds=20)
CONNECT_SECONDS = 3.0
CHUNK_BYTES = 2_048


class NetworkProber:
    """Tries ports and URLs from this machine."""

    def __init__(self, clock: Clock, *, patience: float = CONNECT_SECONDS + SECONDS) -> None:
        """Take the machine's clock, and how many seconds a URL may take in all."""
        self._clock = clock
        self._patience = patience
        urllib3.disable_warnings(InsecureRequestWarning)  # a plan says in so many words that it ignores a certificate

    def ask(self, asks: Sequence[Ask]) -> list[Answer]:
        """The answers in their order; fewer than asked where time ran out."""
        answers: list[Answer] = []
        end = self._clock.now() + BATCH_TIME
        with ThreadPoolExecutor(max_workers=AT_ONCE, thread_name_prefix="drskit-probe") as pool:
            for start in range(0, len(asks), AT_ONCE):
                if start and self._clock.now() >= end:
                    break
                answers += pool.map(self._one, asks[start : start + AT_ONCE])
        return answers

    def _one(self, ask: Ask) -> Answer:
        try:
            if ask.url is None:
                return _port(ask)
            return within(self._patience, lambda: _url(ask, self._clock.now))
        except (OSError, HTTPError, ValueError) as error:
            return Answer(False, _why(error))


def _port(ask: Ask) -> Answer:
    with closing(socket.create_connection((ask.host, ask.port), timeout=CONNECT_SECONDS)):
        return Answer(True, "open")


def _url(ask: Ask, now: Callable[[], datetime]) -> Answer:
    end = now() + timedelta(seconds=SECONDS)
    parts = urllib3.util.parse_url(str(ask.url))
    name = ask.name or ask.host
    default = 443 if parts.scheme == "https" else 80
    headers = {"Host": name if ask.port == default else f"{name}:{ask.port}", "User-Agent": "drskit", "Accept": "*/*"}
    with _pool(ask, parts.scheme == "https") as pool:
        reply = pool.request(
            "GET", parts.request_uri, headers=headers, redirect=False, retries=False, preload_content=False
        )
        try:
            body = b""
            while len(body) < BODY_BYTES and now() < end and (chunk := reply.read1(CHUNK_BYTES)):
                body += chunk
            location = reply.headers.get("Location") if 300 <= reply.status < 400 else None
            return Answer(True, str(reply.status), reply.status, body[:BODY_BYTES].decode("utf-8", "replace"), location)
        finally:
            reply.close()


def _pool(ask: Ask, secure: bool) -> urllib3.HTTPConnectionPool:
    timeout = urllib3.Timeout(connect=CONNECT_SECONDS, read=SECONDS)
    if not secure:
        return urllib3.HTTPConnectionPool(ask.host, ask.port, timeout=timeout, maxsize=1)
    ignored = ask.certificate is Certificate.IGNORE
    return urllib3.HTTPSConnectionPool(
        ask.host,
        ask.port,
        timeout=timeout,
        maxsize=1,
        cert_reqs=ssl.CERT_NONE if ignored else ssl.CERT_REQUIRED,
        server_hostname=ask.name,
        assert_hostname=False if ignored else ask.name,
    )


def _why(error: Exception) -> str:
    """Why there was no answer, in words that stay the same while the reason does."""
    if isinstance(error, SSLError):
        return f"certificate: {_tls_reason(error)}"
    if isinstance(error, (NameResolutionError, socket.gaierror, LocationParseError)):
        return "no such host"
    cause = error.__cause__ if isinstance(error, NewConnectionError) else error
    if isinstance(cause, ConnectionRefusedError):
        return "refused"
    if isinstance(error, (ConnectTimeoutError, ReadTimeoutError, TimeoutError)) and not isinstance(
        error, NewConnectionError
    ):
        return "timed out"
    if isinstance(cause, OSError) and cause.strerror:
        return cause.strerror.lower()
    return "the connection was broken off" if isinstance(error, HTTPError) else type(error).__name__


def _tls_reason(error: SSLError) -> str:
    cause = error.args[0] if error.args else error
    return str(getattr(cause, "verify_message", None) or getattr(cause, "reason", None) or cause)
