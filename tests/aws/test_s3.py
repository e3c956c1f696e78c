"""Notebooks and runs in S3: addresses, what is refused with which words, and what a failing write does."""

from pathlib import Path

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ParamValidationError

from drskit.aws.s3 import Address, NotebookWriter, complaint, parse_address
from drskit.errors import InvalidInput, NoCredentials, Throttled, Unavailable

PLACE = Address("drills", "2026/nightly.ipynb")


class Handler:
    """S3 as papermill's handler shows it, which fails as often as it is told."""

    def __init__(self, *failures: Exception | None) -> None:
        self.failures = list(failures)
        self.stored: list[str] = []

    def write(self, buf: str, path: str) -> None:
        assert str(PLACE) == path
        failure = self.failures.pop(0) if self.failures else None
        if failure:
            raise failure
        self.stored.append(buf)

    def read(self, path: str) -> str:
        return f"what is at {path}"


def refused(code: str) -> ClientError:
    """An answer of S3's."""
    return ClientError({"Error": {"Code": code, "Message": "So it is."}}, "PutObject")


def test_an_address_has_a_bucket_and_a_key():
    """And places below it and above."""
    assert PLACE == parse_address("s3://drills/2026/nightly.ipynb")
    assert "s3://drills/2026/nightly.ipynb" == str(PLACE)
    assert "s3://drills/2026/01K/report.html" == str(PLACE.folder.below("01K", "report.html"))
    assert "s3://drills/01K" == str(parse_address("s3://drills").below("01K"))
    assert "s3://drills/a/01K" == str(parse_address("s3://drills/a/").below("01K"))


@pytest.mark.parametrize(
    "text", ["s3://", "s3:///key", "s3://Drills/key", "s3://a_b/key", "s3://drills//key", "gs://a/b"]
)
def test_what_is_no_address_is_refused(text):
    """With what to write."""
    with pytest.raises(InvalidInput, match=r"is no place in S3\. Write s3://BUCKET/KEY"):
        parse_address(text)


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (refused("NoSuchBucket"), InvalidInput, "there is no bucket drills. Create it, or correct the address."),
        (refused("404"), InvalidInput, "there is no bucket drills."),
        (refused("AccessDenied"), Unavailable, "Allow s3:PutObject and s3:PutObjectAcl there"),
        (refused("PermanentRedirect"), InvalidInput, "Set AWS_REGION to the bucket's Region."),
        (refused("ExpiredToken"), NoCredentials, "the credentials have expired"),
        (refused("SlowDown"), Throttled, "was throttled"),
        (ParamValidationError(report="bad"), InvalidInput, "Correct the address."),
        (EndpointConnectionError(endpoint_url="http://x"), Unavailable, "Check the network and the endpoint"),
    ],
)
def test_what_s3_refuses_is_said_with_the_remedy(error, kind, words):
    """By who must act: the exit code follows from the kind."""
    found = complaint(error, PLACE)
    assert kind is type(found)
    assert str(PLACE) in str(found)
    assert words in str(found)


def test_the_first_write_must_come_through(tmp_path):
    """A wrong address stops a run before its kernel is started."""
    writer = NotebookWriter(PLACE, Handler(refused("NoSuchBucket")), print)
    with pytest.raises(ClientError):
        writer.write("1", str(PLACE))
    writer.finish(tmp_path / "kept.ipynb")
    assert ([], None) == (list(tmp_path.iterdir()), writer.lost)


def test_a_later_write_that_fails_only_delays(tmp_path):
    """It is said once, and the next write brings everything."""
    said: list[str] = []
    handler = Handler(None, refused("SlowDown"), refused("SlowDown"))
    writer = NotebookWriter(PLACE, handler, said.append)
    for text in "1234":
        writer.write(text, str(PLACE))
    writer.finish(tmp_path / "kept.ipynb")
    assert (["1", "4"], 1, None) == (handler.stored, len(said), writer.lost)
    assert said[0].endswith("The notebook runs on, and is written again.")


@pytest.mark.parametrize("comes_through", [True, False])
def test_a_last_write_that_fails_is_tried_again_and_then_kept_here(tmp_path, comes_through):
    """Nothing of what ran is lost."""
    said: list[str] = []
    handler = Handler(None, refused("AccessDenied"), None if comes_through else refused("AccessDenied"))
    writer = NotebookWriter(PLACE, handler, said.append)
    writer.write("1", str(PLACE))
    writer.write("2", str(PLACE))
    assert ("2", "what is at s3://drills/other") == (writer.read(str(PLACE)), writer.read("s3://drills/other"))
    kept: Path = tmp_path / "runs" / "kept.ipynb"
    writer.finish(kept)
    assert comes_through == (["1", "2"] == handler.stored) == (writer.lost is None) == (not kept.exists())
    if not comes_through:
        assert ("2", True) == (kept.read_text(), said[-1].endswith(f"The executed notebook is {kept} instead."))
