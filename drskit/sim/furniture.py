"""What a world file may say beyond servers and jobs: failback, post-launch actions, staging accounts, networks."""

from typing import Annotated, Literal

from pydantic import Discriminator, Field, StringConstraints, Tag

from drskit.sim.entry import AccountId, Entry, Seconds, ServerId

Region = Annotated[str, StringConstraints(pattern=r"^[a-z]{2}(-[a-z]+)+-[0-9]$")]


class PostLaunch(Entry):
    """How post-launch actions go on a server's instances."""

    agent_after: Seconds = 60
    """How long after the launch the SSM agent is seen."""
    each: Seconds = 30
    """How long one action takes."""
    fails: dict[str, Annotated[str, StringConstraints(max_length=256)]] = Field(default={})
    """Actions that fail, by name, document or id, each with its reason."""


class Failback(Entry):
    """How the failback of a server's recovery instances goes, for machines that are not AWS's."""

    client_after: Seconds | None = None
    """How long after the launch somebody boots the failback client on the old machine; None: nobody does."""
    sync: Seconds = 1800
    """How long the data takes then."""
    error: str | None = None
    """DRS's `dataReplicationError.error`, where the failback does not get on."""
    fails: bool = False
    """Whether the failback launch fails."""
    client_again: Seconds | None = None
    """How long after a StopFailback somebody boots the client again; None: nobody does."""
    replication: Literal["CONTINUOUS", "BACKLOG", "PAUSED", "RESCAN"] = "CONTINUOUS"
    """How the replication stands once the data is there."""
    skipped: tuple[str, ...] = ()
    """Steps of its initiation that are skipped."""


class Extension(Entry):
    """A source server that is extended from a staging account."""

    account: AccountId
    error: str | None = None
    """Why the staging server cannot be reached: EXTENSION_ERROR, and not launchable."""


class StagingServer(Entry):
    """A source server of a staging account, which this account may extend."""

    id: ServerId
    account: AccountId
    hostname: str = ""
    tags: dict[str, str] = Field(default={})
    default_key: bool = False
    """Encrypted with the account's default EBS key: it cannot be extended."""


NetworkFails = bool | Literal["partly"]


class Network(Entry):
    """A source network: a VPC that DRS protects."""

    id: Annotated[str, StringConstraints(pattern=r"^sn-[0-9a-zA-Z]{17}$")] | None = None
    """Made from the seed where it is missing."""
    vpc: Annotated[str, StringConstraints(pattern=r"^vpc-[0-9a-fA-F]{8,17}$")]
    account: AccountId | None = None
    """The account of the VPC; default: the world's."""
    region: Region = "us-east-1"
    replicating: bool = True
    error: Annotated[str, StringConstraints(max_length=256)] | None = None
    """Why its replication is in ERROR."""
    fails: Annotated[
        Annotated[NetworkFails, Tag("<one>")] | Annotated[tuple[NetworkFails, ...], Tag("<turns>")],
        Discriminator(lambda value: "<turns>" if isinstance(value, list | tuple) else "<one>"),
    ] = False
    """Whether its recovery fails, or `partly`: every one, or each in turn; after a list's end they succeed."""
    tags: dict[str, str] = Field(default={})


Architecture = Literal["x86_64", "arm64"]
VolumeState = Literal[
    "REGULAR",
    "CONTAINS_MARKETPLACE_PRODUCT_CODES",
    "MISSING_VOLUME_ATTRIBUTES",
    "MISSING_VOLUME_ATTRIBUTES_AND_PRECHECK_UNAVAILABLE",
    "PENDING",
]
UNLAUNCHABLE_VOLUMES = frozenset(
    {"MISSING_VOLUME_ATTRIBUTES", "MISSING_VOLUME_ATTRIBUTES_AND_PRECHECK_UNAVAILABLE", "PENDING"}
)
"""A server with such a volume is refused (drs-facts §4)."""
