"""A way to a served world that hides what it is: what drskit meets behind it looks like AWS itself."""

import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from drskit.sim.gateway import HEADER

KEPT_BY_HTTP = frozenset({"content-length", "connection", "transfer-encoding", "host", "accept-encoding"})


@contextmanager
def without_the_simulators_mark(target: str) -> Iterator[str]:
    """Forward every request; the replies lack the header by which a simulator is known. The address comes back."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            headers = {name: value for name, value in self.headers.items() if name.lower() not in KEPT_BY_HTTP}
            request = urllib.request.Request(
                f"{target}{self.path}", data=self.rfile.read(length), headers=headers, method=self.command
            )
            try:
                with urllib.request.urlopen(request, timeout=30) as reply:
                    self._answer(reply.status, reply.headers.items(), reply.read())
            except urllib.error.HTTPError as error:
                self._answer(error.code, error.headers.items(), error.read())

        do_GET = do_PUT = do_DELETE = do_POST  # noqa: N815 - http.server's names

        def _answer(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
            self.send_response_only(status)
            for name, value in headers:
                if name.lower() not in {HEADER, "content-length", "connection"}:
                    self.send_header(name, value)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Write no log."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        http.daemon_threads = True
        http.block_on_close = False
        thread = threading.Thread(target=http.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{http.server_address[1]}"
        http.shutdown()
        thread.join()
