"""A web server's line: its name looked up within a limit, and a connection of which it is known whether it ever opened.

Until a connection is open nothing of a request is sent. Whoever waits no longer
gives a line up that has not opened, and what still comes of it sends nothing.
"""

import socket
import ssl
from collections.abc import Callable
from threading import Lock
from typing import Any
from urllib.parse import urlsplit

from botocore.awsrequest import (
    AWSHTTPConnection,
    AWSHTTPConnectionPool,
    AWSHTTPSConnection,
    AWSHTTPSConnectionPool,
)
from botocore.exceptions import SSLError
from botocore.httpsession import URLLib3Session

from drskit.cutoff import within
from drskit.ports import NotExecuted

Resolve = Callable[[str], object]
NO_SUCH_NAME = {socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)}
"""What the resolver says of a name that does not exist, or has no address; anything else may be better soon."""


class Line:
    """One connection, as whoever makes it and whoever waits for it see it."""

    def __init__(self) -> None:
        """Begin with nothing tried."""
        self._lock = Lock()
        self._tried = self._opened = self._given_up = False

    def trying(self) -> None:
        """Note that the connection is being made."""
        with self._lock:
            self._tried = True

    def opened(self) -> None:
        """Note that it is open, and that something is sent from now on.

        Raises:
            ConnectionAbortedError: nobody waits for it any more, and has said that nothing was sent.
        """
        with self._lock:
            if self._given_up:
                message = "nobody waits for this connection any more"
                raise ConnectionAbortedError(message)
            self._opened = True

    def give_up(self) -> bool:
        """Whether nothing was sent; then nothing will be, whatever becomes of the connection.

        A line that was never seen to be tried proves nothing.
        """
        with self._lock:
            self._given_up = self._tried and not self._opened
            return self._given_up


def session_on(line: Line, **settings: Any) -> URLLib3Session:
    """A session whose connection tells the line how far it is."""

    class Plain(AWSHTTPConnection):
        def connect(self) -> None:
            line.trying()
            super().connect()
            line.opened()

    class Secure(AWSHTTPSConnection):
        def connect(self) -> None:
            line.trying()
            super().connect()
            line.opened()

    class PlainPool(AWSHTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(AWSHTTPSConnectionPool):
        ConnectionCls = Secure

    session = URLLib3Session(**settings)
    session._pool_classes_by_scheme.update(  # type: ignore[attr-defined]  # noqa: SLF001 - there is no other way in
        http=PlainPool, https=SecurePool
    )
    return session


def broken_off(error: SSLError) -> bool:
    """Whether the other side hung up while the connection was being made secure, and refused nothing."""
    causes = getattr(error.kwargs.get("error"), "args", ())
    return any(isinstance(cause, (ssl.SSLEOFError, ssl.SSLZeroReturnError)) for cause in causes)


def look_up(host: str) -> object:
    """The addresses of a host.

    Raises:
        OSError: it has none, or nobody could say.
        UnicodeError: that is no name.
    """
    return socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)


def unresolved(url: str, seconds: float, resolve: Resolve = look_up) -> NotExecuted | None:
    """Why nothing can be sent to a URL whose host has no address; None where it has one.

    A name that does not exist is a refusal for good, and a resolver that does not answer one for now.
    """
    host = urlsplit(url).hostname or ""
    try:
        within(seconds, lambda: resolve(host))
    except TimeoutError:
        return NotExecuted("NameNotResolved", f"no address of {host} was told within {seconds:g} s", transient=True)
    except UnicodeError as error:
        return NotExecuted("NameNotResolved", f"{host} is no name: {error}")
    except OSError as error:
        missing = isinstance(error, socket.gaierror) and error.errno in NO_SUCH_NAME
        return NotExecuted("NameNotResolved", f"{host}: {error.strerror or error}", transient=not missing)
    return None
