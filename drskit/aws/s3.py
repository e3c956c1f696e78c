"""Executed notebooks and runs in S3.

Papermill writes a notebook again after every cell. The first write must come
through, so that a wrong address stops a run before its kernel starts; one that
fails later only delays, for the drill goes on, and the last copy is tried again.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from drskit.aws.faults import code_of, message_of, translate
from drskit.errors import DrskitError, InvalidInput, Unavailable

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

SCHEME = "s3://"
BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
KINDS = {
    ".csv": "text/csv; charset=utf-8", ".html": "text/html; charset=utf-8", ".ipynb": "application/x-ipynb+json",
    ".json": "application/json", ".md": "text/markdown; charset=utf-8", ".pdf": "application/pdf",
}  # fmt: skip
"""So that a browser shows a report, and does not save it."""
MISSING = {"NoSuchBucket", "404", "NotFound"}
REFUSED = {"AccessDenied", "403", "Forbidden", "AllAccessDisabled"}
ELSEWHERE = {"PermanentRedirect", "301", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException"}
FAILURES = (ClientError, BotoCoreError)


@dataclass(frozen=True)
class Address:
    """A place in S3: a bucket, and a key or the beginning of keys."""

    bucket: str
    key: str

    def __str__(self) -> str:
        return f"{SCHEME}{self.bucket}/{self.key}"

    def below(self, *names: str) -> "Address":
        """A place in the folder that this one is."""
        return Address(self.bucket, "/".join([part for part in (self.key.rstrip("/"), *names) if part]))

    @property
    def folder(self) -> "Address":
        """The folder that this one is in."""
        return Address(self.bucket, self.key.rpartition("/")[0])


def parse_address(text: str) -> Address:
    """Read `s3://bucket/key`.

    Raises:
        InvalidInput: it is no such thing.
    """
    bucket, _, key = text.removeprefix(SCHEME).partition("/")
    if not text.startswith(SCHEME) or not BUCKET.fullmatch(bucket) or "//" in f"/{key}":
        raise InvalidInput(f"{text!r} is no place in S3. Write s3://BUCKET/KEY, with the bucket in lower case.")
    return Address(bucket, key)


class NotebookWriter:
    """Papermill's handler of S3, which forgives what fails between the first and the last write."""

    def __init__(self, address: Address, handler: Any, say: Callable[[str], None]) -> None:
        self._address = address
        self._handler = handler
        self._say = say
        self._latest = ""
        self._written = False
        self._trouble: Exception | None = None
        self.lost: DrskitError | None = None
        """Why the executed notebook is not in S3 although it ran."""

    def read(self, path: str) -> str:
        """The notebook as it was last handed over, else what S3 has."""
        found: str = self._latest if self._mine(path) and self._latest else self._handler.read(path)
        return found

    def write(self, buf: str, path: str) -> None:
        """Write the notebook; once it was written, a failure is said and the next write tries again."""
        self._latest = buf
        try:
            self._handler.write(buf, path)
        except FAILURES as error:
            if not self._written:
                raise
            if self._trouble is None:
                self._say(f"{complaint(error, self._address)} The notebook runs on, and is written again.")
            self._trouble = error
        else:
            self._written, self._trouble = True, None

    def listdir(self, path: str) -> Any:
        """As papermill's own."""
        return self._handler.listdir(path)

    def pretty_path(self, path: str) -> str:
        """As papermill's own."""
        return path

    def finish(self, keep: Path) -> None:
        """Try the last copy once more where it failed; then keep it on this machine instead."""
        if self._trouble is None:
            return
        try:
            self._handler.write(self._latest, str(self._address))
        except FAILURES as error:
            keep.parent.mkdir(parents=True, exist_ok=True)
            keep.write_text(self._latest, encoding="utf-8")
            self.lost = complaint(error, self._address)
            self._say(f"{self.lost} The executed notebook is {keep} instead.")

    def _mine(self, path: str) -> bool:
        return path == str(self._address)


@contextmanager
def notebook_writer(
    parts: tuple[Any, Any, Any], address: Address, *, keep: Path, say: Callable[[str], None]
) -> Iterator[NotebookWriter]:
    """Let papermill write to an address in S3, with our credentials and endpoint, while the block runs.

    Args:
        parts: a session with its S3 client and resource, as papermill keeps them.
        address: where it writes.
        keep: a file for the last copy when S3 does not take it.
        say: takes a sentence about a write that failed.

    Raises:
        DrskitError: the first write failed.
    """
    from papermill import iorw, s3

    writer = NotebookWriter(address, iorw.S3Handler, say)
    before = s3.S3.s3_session
    s3.S3.s3_session = parts
    iorw.papermill_io.register(str(address), writer)  # type: ignore[no-untyped-call]
    try:
        yield writer
    except FAILURES as error:
        raise complaint(error, address) from error
    finally:
        writer.finish(keep)
        s3.S3.s3_session = before


def check_bucket(client: "S3Client", address: Address) -> None:
    """Make sure that there is a bucket before anything is launched; whether it may be written only a write can tell.

    Raises:
        DrskitError: there is none, or S3 cannot be asked.
    """
    try:
        client.head_bucket(Bucket=address.bucket)
    except FAILURES as error:
        if not isinstance(error, ClientError) or code_of(error) not in REFUSED:
            raise complaint(error, address) from error


def upload_folder(client: "S3Client", folder: Path, address: Address) -> tuple[str, ...]:
    """Copy the files of a folder to below an address; where each of them is now.

    Raises:
        DrskitError: S3 did not take one.
    """
    written = []
    for path in sorted(entry for entry in folder.rglob("*") if entry.is_file()):
        to = address.below(*path.relative_to(folder).parts)
        kind = KINDS.get(path.suffix, "application/octet-stream")
        try:
            client.put_object(Bucket=to.bucket, Key=to.key, Body=path.read_bytes(), ContentType=kind)
        except FAILURES as error:
            raise complaint(error, to) from error
        written.append(str(to))
    return tuple(written)


def complaint(error: Exception, address: Address) -> DrskitError:
    """Why S3 did not take something, and what to do."""
    code = code_of(error) if isinstance(error, ClientError) else ""
    words = f"{code}: {message_of(error)}" if isinstance(error, ClientError) else str(error)
    if code in MISSING:
        missing = f"there is no bucket {address.bucket}"
        return InvalidInput(f"{address} cannot be written: {missing}. Create it, or correct the address.")
    if code in REFUSED:
        remedy = "Allow s3:PutObject and s3:PutObjectAcl there, or choose another place"
        return Unavailable(f"{address} may not be written: {words}. {remedy}.")
    if code in ELSEWHERE:
        return InvalidInput(f"{address} cannot be written: {words}. Set AWS_REGION to the bucket's Region.")
    if isinstance(error, ParamValidationError):
        return InvalidInput(f"{address} cannot be written: {words}. Correct the address.")
    return translate(error, f"PutObject to {address}")
