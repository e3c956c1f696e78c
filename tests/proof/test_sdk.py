"""The short ways of the SDK check, send and refuse what the SDK as it was installed does."""

from copy import copy
from io import BytesIO
from typing import Any

import boto3
import botocore.awsrequest
import pytest
from botocore import UNSIGNED
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.config import Config
from botocore.exceptions import ParamValidationError
from botocore.hooks import HierarchicalEmitter
from botocore.validate import ParamValidator
from hypothesis import given
from hypothesis import strategies as st

from tests.proof.sdk import stock_sdk

ATTRIBUTES = [
    {"S": "text"}, {"N": "1"}, {"BOOL": True}, {"NULL": True}, {"M": {"a": {"L": [{"S": "x"}, {"M": {}}]}}},
    {"B": b"\x00"}, {"M": {"a": {"B": b"\xff"}}}, {"L": [{"B": b""}]}, {"SS": ["a"]},
    {"S": 1}, {"N": 1}, {"BOOL": "yes"}, {"M": {"a": {"S": None}}}, {"M": {1: {"S": "x"}}}, {"L": {"S": "x"}},
    {"X": "y"}, {"S": "x", "N": "1"}, {}, "text", None,
]  # fmt: skip
"""What is an attribute value, what is not plain, and what is none."""
EVENTS = ("call", "call.drs", "call.drs.StartRecovery", "call.*.StartRecovery")
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["copy", "register", "register_first", "register_last", "unregister"]),
        st.integers(0, 2), st.sampled_from(EVENTS), st.integers(0, 1),
    ),
    min_size=10,
    max_size=40,
)  # fmt: skip
"""What is done to which emitter, for which event, with which handler."""


class Body(BytesIO):
    """A reply's body as botocore reads it."""

    def stream(self) -> list[bytes]:
        """All at once."""
        return [self.read()]


def requests_of(client: Any) -> list[AWSPreparedRequest]:
    """What the client sends from now on; nothing of it leaves, and each is answered with nothing."""
    sent: list[AWSPreparedRequest] = []

    def answer(request: AWSPreparedRequest, **_: object) -> AWSResponse:
        sent.append(request)
        return AWSResponse(request.url, 200, {}, Body(b"{}"))

    client.meta.events.register("before-send", answer)
    return sent


@pytest.mark.parametrize("value", ATTRIBUTES, ids=str)
def test_an_item_is_checked_and_sent_as_by_the_stock_sdk(value):
    """The short way takes what is plain; the rest is checked, encoded or refused as ever."""

    def sent() -> str:
        client = boto3.client("dynamodb", region_name="us-west-2", config=Config(signature_version=UNSIGNED))
        requests = requests_of(client)
        try:
            client.put_item(TableName="things", Item={"k": value})
        except (ParamValidationError, AttributeError, TypeError) as error:
            return str(error)
        return requests[0].body.decode()

    short = sent()
    with stock_sdk():
        assert short == sent()


@pytest.mark.parametrize("text", ["", "a", "a text that is long enough for any of them", None, 1, b"a"], ids=repr)
@pytest.mark.parametrize(
    ("service", "operation", "members"),
    [
        ("sts", "AssumeRole", lambda text: {"RoleArn": text, "RoleSessionName": text}),
        ("dynamodb", "DescribeTable", lambda text: {"TableName": text}),
        ("drs", "StartRecovery", lambda text: {"sourceServers": [{"sourceServerID": text}], "tags": {"name": text}}),
        ("lex-runtime", "PostText", lambda text: dict.fromkeys(("botName", "botAlias", "userId", "inputText"), text)),
        ("s3control", "GetAccessPoint", lambda text: {"AccountId": text, "Name": text}),
    ],
)
def test_a_text_is_checked_as_by_the_stock_sdk(service, operation, members, text):
    """One that is too short, or none, is refused in the same words."""

    def said() -> str:
        model = boto3.client(service, region_name="us-west-2").meta.service_model
        return ParamValidator().validate(members(text), model.operation_model(operation).input_shape).generate_report()

    short = said()
    with stock_sdk():
        assert short == said()


@pytest.mark.parametrize(
    ("service", "ask", "signed"),
    [
        ("drs", lambda client: client.start_recovery(sourceServers=[{"sourceServerID": "s-00000000000000001"}]), True),
        ("drs", lambda client: client.terminate_recovery_instances(recoveryInstanceIDs=["i-00000000000000001"]), True),
        ("drs", lambda client: client.describe_jobs(), False),
        ("dynamodb", lambda client: client.list_tables(), False),
        ("ssm", lambda client: client.list_commands(), True),
    ],
)
def test_changes_of_drs_are_signed(service, ask, signed):
    """What DRS is only asked, and what is for the tables, names who asks and is not signed."""
    client = boto3.client(service, region_name="us-west-2", aws_access_key_id="AKIDEXAMPLE", aws_secret_access_key="x")
    requests = requests_of(client)
    ask(client)
    authorization = str(requests[0].headers["Authorization"])
    assert "Credential=AKIDEXAMPLE/" in authorization
    assert signed is ("Signature=" in authorization)


def test_sessions_read_the_descriptions_of_services_once_and_offer_what_stock_ones_do(monkeypatch, tmp_path):
    """One that has a folder of its own for them is apart."""

    def offered() -> tuple[list[str], list[str]]:
        session = boto3.Session()
        return session.get_available_services(), session.get_available_resources()

    short = [offered(), offered()]
    assert boto3.Session()._loader is boto3.Session()._loader
    with stock_sdk():
        assert short == [offered()] * 2
    (tmp_path / "weather" / "2026-01-01").mkdir(parents=True)
    (tmp_path / "weather" / "2026-01-01" / "service-2.json").write_text("{}")
    monkeypatch.setenv("AWS_DATA_PATH", str(tmp_path))
    assert "weather" in offered()[0]
    monkeypatch.undo()
    assert "weather" not in offered()[0]


def test_headers_are_kept_and_sent_as_by_the_stock_sdk():
    """By any case, under the name that was given first, the value that was given last."""

    def kept() -> list[object]:
        headers = botocore.awsrequest.HeadersDict([("Host", "a"), ("X-One", b"1"), ("x-one", "2")], Other="3")
        copied, again = headers.copy(), botocore.awsrequest.HeadersDict(headers)
        headers["HOST"] = "b"
        del headers["other"]
        copied.update({"new": "4"})
        told = [list(one.items()) for one in (headers, copied, again)]
        return [
            *told, "host" in headers, "Other" in headers, headers.get("x-ONE"), headers.get("no"),
            len(headers), list(headers), copied == again,
        ]  # fmt: skip

    def sent() -> list[tuple[str, object]]:
        client = boto3.client("dynamodb", region_name="us-west-2", config=Config(signature_version=UNSIGNED))
        requests = requests_of(client)
        client.put_item(TableName="things", Item={"k": {"S": "x"}})
        changing = {"user-agent", "amz-sdk-invocation-id"}
        return [(name, value) for name, value in requests[0].headers.items() if name.lower() not in changing]

    short = [*kept(), *sent()]
    with stock_sdk():
        assert short == [*kept(), *sent()]


@given(STEPS)
def test_a_client_has_its_session_s_handlers_and_its_own_as_in_the_stock_sdk(steps):
    """Whatever is added or taken away before a copy and after it, none sees what another one added."""

    def heard() -> list[list[Any]]:
        handlers = [lambda number=number, **_: number for number in range(2)]
        emitters, refused = [HierarchicalEmitter()], []
        for step, which, event, handler in steps:
            emitter = emitters[which % len(emitters)]
            if step == "copy":
                emitters.append(copy(emitter))
                continue
            try:
                getattr(emitter, step)(event, handlers[handler])
            except (ValueError, AttributeError) as error:  # what was not there cannot be taken away
                refused.append(str(error))
        return [refused, *([found for _, found in one.emit(event)] for one in emitters for event in EVENTS)]

    short = heard()
    with stock_sdk():
        assert short == heard()
