"""Clients are made for a Region that can be one, or not at all."""

import pytest

from drskit.aws.clients import Clients
from drskit.errors import InvalidInput, Unavailable
from drskit.session import Session
from drskit.settings import Settings
from tests.aws.conftest import LOGIN_PAGE

ODD = ["", " ", "x y", "us-west-2\n", "us_west_2!", "a" * 70]


@pytest.mark.parametrize("region", ODD)
@pytest.mark.parametrize("service", ["drs", "drs_launcher", "ec2"])
def test_what_is_no_region_is_named(credentials, service, region):
    """An empty one is not the session's own: a drill runs where its execution says, or nowhere."""
    with pytest.raises(Unavailable) as caught:
        getattr(Clients(region="us-west-2"), service)(region)
    assert f"{region!r} is no AWS Region" in str(caught.value)


def test_a_session_cannot_ask_where_there_is_no_region(credentials):
    """A poller may leave that execution, and go on."""
    with pytest.raises(Unavailable, match="'x y' is no AWS Region"):
        Session(Settings(region="us-west-2")).recovery("x y")


def test_an_endpoint_that_is_none_is_the_users_to_correct(monkeypatch, credentials):
    """It is no fault of AWS."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "nowhere")
    with pytest.raises(InvalidInput, match="Correct AWS_ENDPOINT_URL"):
        Clients(region="us-west-2").drs("us-west-2")


@pytest.mark.parametrize("body", [LOGIN_PAGE, b"words", b"", b"<R><GetCallerIdentityResult/></R>"])
def test_nobody_is_known_when_the_reply_cannot_be_read(monkeypatch, host, credentials, body):
    """A login page is no account."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", host.url)
    host.tell("GetCallerIdentity", body)
    with pytest.raises(Unavailable, match=r"^GetCallerIdentity got a reply that cannot be read"):
        _ = Session(Settings(region="us-west-2")).caller
