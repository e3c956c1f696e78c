"""A simulated world over HTTP: for boto3, the AWS CLI and any SDK, in any process.

An AWS request is told apart by the service and Region of its signature, so one
address serves them all; what is under `/drskit/` steers the world. It listens
on the loopback interface only, unless told otherwise.
"""

import socket
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from drskit.clock import Clock
from drskit.sim.faults import Dropped, Reply, json_error
from drskit.sim.opening import open_world
from drskit.sim.spec import WorldSpec
from drskit.sim.steering import PREFIX, Steering

if TYPE_CHECKING:
    from drskit.sim.gateway import Gateway

ALIASES = {"eventbridge": "events", "execute-api": "iot"}
"""Signing names that are no host names."""
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - to know the address, not to listen on it
"""Addresses to listen on that nobody can call, and what this machine calls instead."""
PATIENCE_SECONDS = 10.0
"""How long a server that stops waits for the requests under way, in real time."""


class WorldServer:
    """A world that is being served; stop it, or use it as a context manager."""

    def __init__(self, gateway: "Gateway", http: "_Http") -> None:
        self.gateway = gateway
        self._http = http
        self._thread = threading.Thread(target=http.serve_forever, args=(0.05,), name="drskit-sim", daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """The endpoint for every AWS service."""
        host, port = self._http.server_address[:2]
        name = host.decode() if isinstance(host, bytes | bytearray) else host
        name = EVERYWHERE.get(name, name)
        return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"

    @property
    def clock_url(self) -> str:
        """Where `drskit.clock.RemoteClock` finds the world's time."""
        return f"{self.url}/drskit/clock"

    def environment(self) -> dict[str, str]:
        """The variables that point any AWS client, and drskit, at this world."""
        region = self.gateway.spec.region
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "false",
            "DRSKIT_CLOCK_URL": self.clock_url,
            "AWS_ACCESS_KEY_ID": "simulated",
            "AWS_SECRET_ACCESS_KEY": "simulated",  # no secret: every request is accepted
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_PAGER": "",
        }

    def wait(self) -> None:
        """Serve until another thread stops it, or the process is interrupted."""
        self._thread.join()

    def wait_until_idle(self, stop: threading.Event, idle_seconds: float | None) -> None:
        """Serve until told to stop, or until nobody has asked for so long in real time."""
        asked = -1
        while not stop.wait(idle_seconds):
            if asked == self._http.asked:
                return
            asked = self._http.asked

    def stop(self) -> None:
        """Stop serving: finish the requests under way, and close every connection."""
        self._http.shutdown()
        self._http.server_close()
        self._http.finish()
        self._http.hang_up()
        self._thread.join()
        self.gateway.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def serve(world: WorldSpec, clock: Clock, port: int = 0, host: str = "127.0.0.1") -> WorldServer:
    """Serve a world from a background thread; port 0 picks a free one.

    Raises:
        MissingExtra: moto is not installed.
        OSError: the port is taken.
    """
    return serve_gateway(open_world(world, clock), port=port, host=host)


def serve_gateway(gateway: "Gateway", port: int = 0, host: str = "127.0.0.1") -> WorldServer:
    """Serve a world that is open already.

    Raises:
        OSError: the port is taken.
    """
    return WorldServer(gateway, _Http((host, port), gateway))


class _Http(ThreadingHTTPServer):
    """A thread for each connection; the gateway lets one request pass at a time."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], gateway: "Gateway") -> None:
        self.gateway = gateway
        self.steering = Steering(gateway)
        self.asked = 0
        """How many requests came."""
        self._work = threading.Condition()
        self._under_way = 0
        self._stopping = False
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self._connections: set[socket.socket] = set()
        super().__init__(address, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Remember the connection, to close it with the server."""
        self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Forget a connection that ends."""
        self._connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no event; anything else is a fault of ours, and shows."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)

    def begin(self) -> bool:
        """Whether a request may begin: not once the server is stopping."""
        with self._work:
            if self._stopping:
                return False
            self.asked += 1
            self._under_way += 1
            return True

    def end(self) -> None:
        """A request was answered."""
        with self._work:
            self._under_way -= 1
            self._work.notify_all()

    def finish(self) -> None:
        """Let no request begin any more, and wait for those under way."""
        with self._work:
            self._stopping = True
            self._work.wait_for(lambda: not self._under_way, timeout=PATIENCE_SECONDS)

    def hang_up(self) -> None:
        """Close what is still open."""
        for connection in list(self._connections):
            self.shutdown_request(connection)


class _Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Http

    def do_GET(self) -> None:
        """Answer any method: AWS tells requests apart by more than that."""
        if not self.server.begin():
            self.close_connection = True
            return
        try:
            self._answer()
        finally:
            self.server.end()

    do_POST = do_PUT = do_DELETE = do_HEAD = do_PATCH = do_OPTIONS = do_GET  # noqa: N815 - http.server's names

    def _answer(self) -> None:
        try:
            body = self._body()
        except ValueError:
            self.close_connection = True
            self._send(*json_error("BadRequest", 400, {"message": "The length of the request is no number."}))
            return
        path = self.path.partition("?")[0]
        try:
            steers = path.startswith(PREFIX)
            reply = self.server.steering.answer(str(self.command), path, body) if steers else self._aws(body)
        except Dropped:
            self.close_connection = True
            return
        self._send(*reply)

    def _body(self) -> bytes:
        """What was sent, also in chunks, as some SDKs send what they do not know the length of."""
        if "chunked" not in self.headers.get("transfer-encoding", "").lower():
            length = int(self.headers.get("content-length") or 0)
            return self.rfile.read(length) if length else b""
        parts = []
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass  # trailers
        del self.headers["transfer-encoding"]
        return b"".join(parts)

    def log_message(self, *_: Any) -> None:
        """Write no log: the caller sees every reply."""

    def _aws(self, body: bytes) -> Reply:
        scope = self.headers.get("authorization", "").partition("Credential=")[2].partition(",")[0].split("/")
        if len(scope) < 5:
            return json_error("MissingAuthenticationTokenException", 403, {"message": "Missing Authentication Token"})
        region, service = scope[-3], ALIASES.get(scope[-2], scope[-2])
        if not self.server.gateway.knows(region):
            text = "The security token included in the request is invalid."  # as a Region not opted in (drs-facts §6.3)
            return json_error("UnrecognizedClientException", 403, {"message": text})
        url = f"https://{service}.{region}.amazonaws.com{self.path}"
        return self.server.gateway.answer_http(str(self.command), url, self.headers.items(), body)

    def _send(self, status: int, headers: dict[str, str], body: str | bytes) -> None:
        """Write a reply in one go."""
        content = body.encode() if isinstance(body, str) else body
        lines = [f"HTTP/1.1 {status} {self.responses.get(status, ('',))[0]}"]
        skipped = ("content-length", "connection", "transfer-encoding", "status")
        lines += [f"{key}: {value}" for key, value in headers.items() if key.lower() not in skipped]
        lines.append(f"content-length: {len(content)}")
        head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
        self.wfile.write(head if self.command == "HEAD" else head + content)
