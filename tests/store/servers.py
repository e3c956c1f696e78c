"""The two DynamoDBs that the contract runs over: moto in this process, ministack in one of its own.

moto accepts what AWS refuses: reserved words in a KeyConditionExpression, a text
as a Number key. ministack was written by others and refuses both, so it keeps the
tests honest. Neither uses the network.
"""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import boto3
from botocore.config import Config

from drskit.clock import wait_until

KEYS = {"region_name": "us-east-1", "aws_access_key_id": "test", "aws_secret_access_key": "test"}
CONFIG = Config(retries={"mode": "standard", "total_max_attempts": 3}, connect_timeout=2, read_timeout=10)


def client(endpoint: str | None = None):
    """A new DynamoDB client; without an endpoint it is for moto's in-process mock."""
    return boto3.client("dynamodb", endpoint_url=endpoint, config=CONFIG, **KEYS)


@contextmanager
def ministack(folder: Path) -> Iterator[str]:
    """A ministack that listens on a free port of the loopback address; gives its endpoint."""
    port = _free_port()
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AWS", "LOCALSTACK"))}
    environment |= {"GATEWAY_PORT": str(port), "BIND_HOST": "127.0.0.1", "HOME": str(folder)}
    with (folder / "ministack.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "ministack.app"], env=environment, cwd=folder, stdout=log, stderr=log
        )
        try:
            assert wait_until(lambda: _listens(port), timeout_seconds=30), (folder / "ministack.log").read_text()
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(10)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
