"""A server of this machine that never comes to the end of its headers."""

import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from threading import Event, Thread


@contextmanager
def dripping_server(beginning: bytes) -> Iterator[int]:
    """Its port; each connection gets the beginning, and then a byte thirty times a second."""
    over = Event()

    def drip(connection: socket.socket) -> None:
        with suppress(OSError), closing(connection):
            connection.recv(10_000)
            connection.sendall(beginning)
            while not over.wait(1 / 30):
                connection.sendall(b"x")

    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        Thread(target=lambda: drip(server.accept()[0]), daemon=True).start()
        try:
            yield server.getsockname()[1]
        finally:
            over.set()
