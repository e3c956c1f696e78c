"""Where the runs of commands go: a folder of this machine, and a copy of them in S3."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from drskit.cli.common import open_session, say

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from drskit.aws.s3 import Address


@dataclass(frozen=True)
class Shelf:
    """A place in S3 that gets a copy of the run: S3 as it was before a simulated world was entered."""

    client: "S3Client"
    address: "Address"

    def keep(self, folder: Path, tell: Callable[[str], None]) -> int:
        """Copy the run's folder there, and tell where it is; 3 when S3 does not take it."""
        where, well = take_along(self.client, (folder,), self.address)
        if well:
            tell(*where)
        return 0 if well else 3


def places(ctx: click.Context, output: str | None) -> tuple[Path | None, Shelf | None]:
    """Where the run goes: a folder of this machine, or the usual one with a copy in S3.

    Raises:
        DrskitError: it is no place, or its bucket does not exist.
    """
    from drskit.aws.s3 import SCHEME, check_bucket, parse_address

    if output is None or not output.startswith(SCHEME):
        if output is not None and Path(output).is_file():
            raise click.UsageError(f"{output} is a file. Name a folder, or s3://BUCKET/PREFIX.")
        return (Path(output) if output else None), None
    shelf = Shelf(open_session(ctx).clients.s3(), parse_address(output))
    check_bucket(shelf.client, shelf.address)
    return None, shelf


def take_along(client: "S3Client", folders: tuple[Path, ...], address: "Address") -> tuple[tuple[str, ...], bool]:
    """Copy folders of runs to below an address; where each is now, and whether S3 took them all."""
    from drskit.aws.s3 import upload_folder
    from drskit.errors import DrskitError

    where = []
    well = True
    for folder in folders:
        to = address.below(folder.name)
        try:
            upload_folder(client, folder, to)
        except DrskitError as error:
            say(f"{error} The run is in {folder}.")
            where.append(str(folder))
            well = False
        else:
            where.append(str(to))
    return tuple(where), well
