"""Identities that are renewed while drskit works, and a signer that must be botocore's own.

A role lives for an hour, a drill longer: the SDK renews it, and nothing of
drskit's may hold on to the old keys.
"""

import os
from datetime import timedelta

import pytest
from botocore.auth import SigV4Auth

from drskit.aws.clients import Clients
from drskit.clock import SystemClock
from drskit.errors import NoCredentials, SignerMismatch, Unavailable
from drskit.model import ExecutionStatus
from drskit.ports import NotExecuted, Started
from drskit.session import Session
from drskit.store.dynamodb import DynamoDbStore
from tests.aws.conftest import REGION, recovery_of
from tests.builders import attempt_of
from tests.harness import house, runbook_of
from tests.test_faults import SMALL, SMALL_PLAN

JOB = {"jobID": "drsjob-1", "type": "LAUNCH", "status": "STARTED", "creationDateTime": "2026-03-02T09:00:00Z"}


def profile(monkeypatch, folder, text):
    """The SDK's own settings: a profile called drill."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    path = folder / "config"
    path.write_text(text, encoding="utf-8")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(path))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def good_for(folder, span):
    """How long the keys are good that are handed out from now on."""
    (folder / "expiry").write_text((SystemClock().now() + span).isoformat(), encoding="utf-8")


def handing_out(folder):
    """A program that hands out another key each time, each so short-lived that the next call needs another."""
    good_for(folder, timedelta(minutes=1))
    script = folder / "keys.sh"
    script.write_text(
        f"""#!/bin/sh
cd {folder}
[ -e closed ] && exit 1
n=$(($(cat count 2>/dev/null || echo 0) + 1))
echo $n > count
printf '{{"Version": 1, "AccessKeyId": "KEY%s", "SecretAccessKey": "s", "SessionToken": "t%s", "Expiration": "%s"}}' \\
  $n $n "$(cat expiry)"
""",
        encoding="utf-8",
    )
    script.chmod(0o700)
    return f"[profile drill]\nregion = {REGION}\ncredential_process = {script}\n"


@pytest.fixture
def renewed(monkeypatch, tmp_path, host):
    """DRS, EC2 and the host of an identity that is renewed for every call."""
    profile(monkeypatch, tmp_path, handing_out(tmp_path))
    monkeypatch.setenv("AWS_ENDPOINT_URL", host.url)
    host.tell("StartRecovery", {"job": JOB}, status=202)
    host.tell("DescribeJobs", {"items": [JOB]})
    return recovery_of(Clients(region=REGION, profile="drill"))


def test_launches_and_reads_are_signed_with_the_keys_of_the_moment(host, renewed):
    """By clients that were made long before, the pinned one too."""
    for _ in range(3):
        assert isinstance(renewed.start_recovery(attempt_of(), {}), Started)
        assert 1 == len(renewed.jobs(job_ids=["drsjob-10000000000000000"]))
    numbers = [int(key.removeprefix("KEY")) for key in host.keys]
    assert 6 == len(numbers) == len(set(numbers))
    assert sorted(numbers) == numbers


def test_keys_that_cannot_be_had_only_delay(host, renewed, tmp_path):
    """Nothing is sent; once they can be had again the same clients go on."""
    (tmp_path / "closed").touch()
    outcome = renewed.start_recovery(attempt_of(), {})
    assert (NotExecuted, "NoCredentials", True) == (type(outcome), outcome.code, outcome.transient)
    with pytest.raises(NoCredentials, match="DescribeJobs in us-west-2 needs AWS credentials"):
        renewed.jobs(job_ids=["drsjob-10000000000000000"])
    assert [] == host.asked
    (tmp_path / "closed").unlink()
    assert isinstance(renewed.start_recovery(attempt_of(), {}), Started)


def test_keys_that_are_old_when_they_are_handed_out_only_delay(host, renewed, tmp_path):
    """The SDK raises a plain RuntimeError then; nothing is sent."""
    renewed.jobs(job_ids=["drsjob-10000000000000000"])
    host.asked.clear()
    good_for(tmp_path, timedelta(minutes=-1))
    outcome = renewed.start_recovery(attempt_of(), {})
    assert (NotExecuted, "NoCredentials", True) == (type(outcome), outcome.code, outcome.transient)
    with pytest.raises(NoCredentials, match="have expired, and so have those that replaced them") as caught:
        renewed.jobs(job_ids=["drsjob-10000000000000000"])
    assert "expired credentials at DescribeJobs in us-west-2" == caught.value.cause
    tables = DynamoDbStore(Clients(region=REGION, profile="drill").dynamodb())
    good_for(tmp_path, timedelta(minutes=1))
    host.tell("", b"{}")
    with pytest.raises(Unavailable):
        tables.get_plan("shop")
    good_for(tmp_path, timedelta(minutes=-1))
    with pytest.raises(NoCredentials, match="so have those that replaced them"):
        tables.get_plan("shop")
    assert [] == [operation for operation in host.asked if operation]


def test_a_drill_under_a_role_assumes_it_again_for_each_launch(monkeypatch, tmp_path):
    """A chained role whose sessions the SDK finds too short: the whole drill goes through, each launch by new keys."""
    role = "role_arn = arn:aws:iam::123456789012:role/drill\nsource_profile = base\nduration_seconds = 900"
    base = "[profile base]\naws_access_key_id = simulated\naws_secret_access_key = simulated"
    profile(monkeypatch, tmp_path, f"{base}\n[profile drill]\nregion = {REGION}\n{role}\n")
    with house(text=SMALL, profile="drill") as home:
        keys = []

        def note(request, **_):
            keys.append(str(request.headers["Authorization"]).partition("Credential=")[2].partition("/")[0])

        launcher = home.session.recovery(REGION)._launcher
        launcher.meta.events.register("before-send.drs.StartRecovery", note)
        name = home.session.start(runbook_of(SMALL_PLAN)).execution_id
        home.finish()
        assert ExecutionStatus.COMPLETED is home.session.store.load(name).status
        assert "assumed-role/drill" in home.session.caller[1]
        assert 2 == len(keys) == len(set(keys))


# --- the signer ------------------------------------------------------------------------------------------------------


@pytest.fixture
def another_botocore(monkeypatch):
    """One whose signer signs one header more."""
    stock = SigV4Auth.add_auth

    def add_auth(self, request):
        request.headers["X-Amz-New"] = "1"
        stock(self, request)

    return lambda: monkeypatch.setattr(SigV4Auth, "add_auth", add_auth)


@pytest.mark.parametrize("client", ["drs", "drs_launcher"])
def test_no_client_can_launch_when_the_signers_differ(credentials, another_botocore, client):
    """The check runs whenever a client is made that could launch."""
    getattr(Clients(region=REGION), client)(REGION)
    another_botocore()
    with pytest.raises(SignerMismatch, match="signs differently"):
        getattr(Clients(region=REGION), client)(REGION)


def test_what_is_sent_beside_the_signature_is_compared_too(monkeypatch, credentials):
    """As the token of a role, which another botocore may add after signing."""
    stock = SigV4Auth.add_auth

    def add_auth(self, request):
        stock(self, request)
        request.headers["X-Amz-Later"] = self.credentials.token

    monkeypatch.setattr(SigV4Auth, "add_auth", add_auth)
    with pytest.raises(SignerMismatch, match="signs differently"):
        Clients(region=REGION).drs_launcher(REGION)


def test_no_entry_launches_when_the_signers_differ(another_botocore):
    """Neither a start nor a worker that polls: it says why, and nothing is launched."""
    with house(text=SMALL) as home:
        execution = home.session.start(runbook_of(SMALL_PLAN))
        another_botocore()
        with pytest.raises(SignerMismatch):
            home.another_session().start(runbook_of(SMALL_PLAN))
        result = Session(home.settings, clock=home.clock).poller().run_pass()
        assert ("signs differently" in (result.trouble or ""), ()) == (True, result.advanced)
        assert ((execution.execution_id,), ()) == (result.barred, result.elsewhere)
        assert {} == home.gateway.world.jobs
