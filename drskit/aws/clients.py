"""The only module that makes boto3 clients.

Mutating calls are sent once on the wire; DRS and EC2 reads once per pass, for
the cadence repeats them; DynamoDB retries in standard mode, for its conditional
writes recognise themselves (reliability §3.2).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import boto3
import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, InvalidRegionError
from botocore.loaders import Loader

from drskit.aws import signing
from drskit.aws.faults import translate
from drskit.errors import InvalidInput

if TYPE_CHECKING:
    from mypy_boto3_drs import DrsClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sts import STSClient

    from drskit.aws.runcommand import SsmClient

ONCE = {"mode": "standard", "total_max_attempts": 1}
LAUNCH = Config(retries=ONCE, connect_timeout=5, read_timeout=65, tcp_keepalive=True)  # type: ignore[arg-type]  # the stub lags
READ = Config(retries=ONCE, connect_timeout=5, read_timeout=20, tcp_keepalive=True)  # type: ignore[arg-type]
SURVEY = Config(retries={"mode": "adaptive", "total_max_attempts": 8}, connect_timeout=5, read_timeout=20)
"""For many reads in a row, which may take their time."""
TABLES = Config(
    retries={"mode": "standard", "total_max_attempts": 5}, connect_timeout=2, read_timeout=5, tcp_keepalive=True
)
QUOTAS = Config(retries=ONCE, connect_timeout=2, read_timeout=5)  # type: ignore[arg-type]
FILES = Config(
    retries={"mode": "standard", "total_max_attempts": 4}, connect_timeout=5, read_timeout=30, tcp_keepalive=True
)

MODELS = Path(__file__).parent / "models"
"""Services that botocore does not know."""
LAUNCHES = ("StartRecovery", "TerminateRecoveryInstances")
STARTS = ("SendCommand", "StartAutomationExecution")


NOTIFY = Config(retries=ONCE, connect_timeout=2, read_timeout=5, tcp_keepalive=True)  # type: ignore[arg-type]
"""Whoever is told something must not hold a drill up: it is tried again at a later pass."""


class Clients:
    """Makes clients of one AWS identity."""

    def __init__(self, *, region: str | None, profile: str | None = None) -> None:
        """Take the SDK's own credentials.

        Raises:
            InvalidInput: there is no such profile.
        """
        self._named = profile is not None
        try:
            self._session = boto3.Session(region_name=region, profile_name=profile)
        except BotoCoreError as error:
            raise translate(error, "The start of a session") from error

    @property
    def region(self) -> str | None:
        """The session's Region, where the tables live."""
        return self._session.region_name

    def dynamodb(self) -> "DynamoDBClient":
        """For the tables, in the session's Region."""
        with _opening("DynamoDB"):
            return self._session.client("dynamodb", config=TABLES)

    def sts(self) -> "STSClient":
        """For the caller's identity."""
        with _opening("STS"):
            return self._session.client("sts", config=READ)

    def drs(self, region: str) -> "DrsClient":
        """For reading DRS; it refuses to launch and to terminate.

        Raises:
            Unavailable: that is no Region.
        """
        with _opening("DRS", region):
            client = self._session.client("drs", region_name=region, config=READ)
        _pin(client, "drs", LAUNCHES)
        return client

    def drs_launcher(self, region: str) -> "DrsClient":
        """For StartRecovery and TerminateRecoveryInstances alone: one send, signed at the intent's time.

        Raises:
            SignerMismatch: botocore signs differently from what was verified.
            Unavailable: that is no Region.
        """
        with _opening("DRS", region):
            client = self._session.client("drs", region_name=region, config=LAUNCH)
        _pin(client, "drs", LAUNCHES)
        return client

    def ec2(self, region: str) -> "EC2Client":
        """For reading EC2.

        Raises:
            Unavailable: that is no Region.
        """
        with _opening("EC2", region):
            return self._session.client("ec2", region_name=region, config=READ)

    def ssm(self, region: str) -> "SsmClient":
        """For reading Systems Manager, and for cancelling; it refuses to start anything.

        Raises:
            Unavailable: that is no Region.
        """
        with _opening("SSM", region):
            client: SsmClient = self._session.client("ssm", region_name=region, config=READ)
        _pin(client, "ssm", STARTS)
        return client

    def ssm_sender(self, region: str) -> "SsmClient":
        """For SendCommand and StartAutomationExecution alone: one send, signed at the intent's time.

        Raises:
            SignerMismatch: botocore signs differently from what was verified.
            Unavailable: that is no Region.
        """
        with _opening("SSM", region):
            client: SsmClient = self._session.client("ssm", region_name=region, config=LAUNCH)
        _pin(client, "ssm", STARTS)
        return client

    def invoker(self, region: str, seconds: float) -> Any:
        """For Lambda's Invoke alone: one send, signed at the intent's time, and so many seconds for an answer.

        Raises:
            Unavailable: that is no Region.
        """
        return self._caller("lambda", "Invoke", region, seconds)

    def publisher(self, region: str, seconds: float) -> Any:
        """For SNS's Publish alone: one send, signed at the intent's time, and so many seconds for an answer.

        Raises:
            Unavailable: that is no Region.
        """
        return self._caller("sns", "Publish", region, seconds)

    def _caller(self, service: str, operation: str, region: str, seconds: float) -> Any:
        config = Config(retries=ONCE, connect_timeout=5, read_timeout=seconds, tcp_keepalive=True)  # type: ignore[arg-type]
        with _opening(service.upper(), region):
            client: Any = self._session.client(service, region_name=region, config=config)  # type: ignore[call-overload]
        _pin(client, service, (operation,))
        return client

    def service_quotas(self, region: str) -> Any:
        """For DRS's quotas in a Region; whoever waits for the answer waits briefly.

        Raises:
            Unavailable: that is no Region.
        """
        with _opening("Service Quotas", region):
            return self._session.client("service-quotas", region_name=region, config=QUOTAS)

    def sqs(self) -> Any:
        """For sending to the queue in the session's own Region.

        Raises:
            Unavailable: that is no Region.
        """
        with _opening("SQS"):
            return self._session.client("sqs", config=TABLES)

    def world_probe(self, region: str, endpoint: str | None) -> Any:
        """For the simulator's own service, by which a simulated drill tries ports and URLs.

        Args:
            region: the world's.
            endpoint: where DRS answers; None where that is AWS's own address, as in a process that holds the world.

        Raises:
            Unavailable: that is no Region.
        """
        session = botocore.session.Session(profile=self._session.profile_name if self._named else None)
        session.register_component("data_loader", _loader())
        with _opening("drskit-probe", region):
            return session.create_client("drskit-probe", region_name=region, endpoint_url=endpoint, config=READ)

    def reader(self, service: Literal["drs", "ec2"], region: str) -> "DrsClient | EC2Client":
        """For a survey of an account: many reads, each repeated when it is throttled.

        Raises:
            Unavailable: that is no Region.
        """
        with _opening(service.upper(), region):
            return self._session.client(service, region_name=region, config=SURVEY)

    def sns(self, region: str) -> Any:
        """For publishing to topics of a Region: one send, soon given up.

        Raises:
            Unavailable: that is no Region.
        """
        with _opening("SNS", region):
            return self._session.client("sns", region_name=region, config=NOTIFY)

    def events(self, region: str) -> Any:
        """For putting events on buses of a Region: one send, soon given up.

        Raises:
            Unavailable: that is no Region.
        """
        with _opening("EventBridge", region):
            return self._session.client("events", region_name=region, config=NOTIFY)

    def s3(self) -> "S3Client":
        """For executed notebooks and runs."""
        with _opening("S3"):
            return self._session.client("s3", config=FILES)

    def papermill_s3(self) -> tuple[Any, Any, Any]:
        """A session with its S3 client and resource, as papermill makes them for itself where nobody does."""
        with _opening("S3"):
            return self._session, self.s3(), self._session.resource("s3", config=FILES)


@cache
def _loader() -> Loader:
    """The descriptions of services, ours among them; read from disk once."""
    return Loader(extra_search_paths=[str(MODELS)])


@contextmanager
def _opening(service: str, region: str | None = None) -> Iterator[None]:
    """Make a client inside; an empty Region is none, where botocore would take the session's."""
    doing = f"A client of {service}"
    try:
        if region is not None and region != (region.strip() or None):
            raise InvalidRegionError(region_name=region)
        yield
    except BotoCoreError as error:
        raise translate(error, doing) from error
    except ValueError as error:
        raise InvalidInput(f"{doing} is not possible: {error}. Correct AWS_ENDPOINT_URL.") from error


def _pin(client: Any, service: str, operations: tuple[str, ...]) -> None:
    """Let these be sent only inside `signed_at`, signed with its time."""
    signing.install()
    for operation in operations:
        client.meta.events.register(f"choose-signer.{service}.{operation}", _choose_signer)


def _choose_signer(**_: object) -> str:
    return signing.SIGNER
