"""What DRS tells only of one source server at a time: its newest recovery snapshot and its launch settings.

It has no call that tells either of several servers. So some servers are asked
about at once, and a call that is throttled is repeated: a look at a large
account neither takes minutes nor fails for one busy moment.
"""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from drskit.aws import replies
from drskit.aws.faults import asking, code_of
from drskit.aws.replies import need
from drskit.model import LaunchSettings
from drskit.recoverable import Closer

if TYPE_CHECKING:
    from mypy_boto3_drs import DrsClient
    from mypy_boto3_ec2 import EC2Client

AT_ONCE = 4
"""Servers that are asked about at once; a drill that launches meanwhile needs calls of the account, too."""
UNKNOWN = "ResourceNotFoundException"


class CloserLook:
    """Asks about source servers one by one, in one Region."""

    def __init__(self, reader: "DrsClient | EC2Client", region: str) -> None:
        """Take a client of DRS that repeats what is throttled."""
        self._drs: Any = reader
        self._region = region

    def ask(self, server_ids: Iterable[str]) -> dict[str, Closer]:
        """What DRS tells of each of these servers.

        Raises:
            Unavailable: of one it could not be asked.
        """
        names = list(dict.fromkeys(server_ids))
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return dict(zip(names, pool.map(self._ask, names), strict=True))

    def _ask(self, server_id: str) -> Closer:
        return Closer(self.latest_snapshot(server_id), self.launch_settings(server_id))

    def latest_snapshot(self, server_id: str) -> datetime | None:
        """When the newest recovery snapshot of a source server was taken; None when it has none.

        Raises:
            Unavailable: some page could not be read.
        """
        asked = self._drs.get_paginator("describe_recovery_snapshots").paginate(sourceServerID=server_id, order="DESC")
        with asking(f"DescribeRecoverySnapshots in {self._region}"):
            times = [replies.snapshot_time(item) for page in asked for item in need(page, "items", list)]
        return max((time for time in times if time is not None), default=None)

    def launch_settings(self, server_id: str) -> LaunchSettings | None:
        """The launch configuration of a source server; None when DRS has none.

        Raises:
            Unavailable: DRS could not be asked.
        """
        with asking(f"GetLaunchConfiguration in {self._region}"):
            try:
                reply = self._drs.get_launch_configuration(sourceServerID=server_id)
            except ClientError as error:
                if code_of(error) == UNKNOWN:
                    return None
                raise
            return replies.launch_settings(reply)
