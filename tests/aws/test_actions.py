"""What actions do, on the wire: each request sent once, found again where the service can tell, and never astray."""

import json
from contextlib import contextmanager, suppress
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from socket import EAI_AGAIN, EAI_NONAME, create_server, gaierror
from threading import Event, Thread

import pytest

from drskit.actionports import Begun, Ended, Going, Hidden, NotFound
from drskit.actions import ActionKind, Task, TaskPhase, TaskStatus
from drskit.aws.clients import Clients
from drskit.aws.line import Line
from drskit.aws.opening import open_actions
from drskit.aws.requests import request_of
from drskit.aws.web import Secrets, Web
from drskit.clock import VirtualClock
from drskit.model import Mode
from drskit.ports import NotExecuted, Unknown
from drskit.sim import simulated
from drskit.sim.spec import Fault, FaultKind
from tests.aws.conftest import REGION, become_nobody, recovery_of
from tests.dripping import dripping_server
from tests.sim.lab import make_spec

INSTANCE = "i-0123456789abcdef0"
TOPIC = "arn:aws:sns:us-west-2:123456789012:dr"
K, F = ActionKind, FaultKind
WORLD = make_spec(
    {"instances": [{"id": INSTANCE, "launched": "2026-02-20T10:00:00Z"}]},
    services={
        "automations": [
            {"document": "Broken", "fails": "no such table", "takes": 10},
            {"document": "Missing", "unknown": True},
            {"takes": 60, "outputs": {"Rows": ["12", "13"]}},
        ],
        "functions": [
            {"function": "broken", "fails": "boom"},
            {"function": "none", "unknown": True},
            {"answer": {"a": 1}},
        ],
        "http": [{"url": "https://x.example.com/busy", "status": 503, "body": "later, sesame"}],
        "topics": [{"topic": f"{TOPIC}-gone", "unknown": True}],
    },
    answers={"commands": [{"contains": "bad", "exit_code": 3, "stderr": "no such table"}]},
)
AUTOMATION = {"DocumentName": "Warm", "DocumentVersion": None, "Parameters": {"Plan": ["shop"]}}
COMMAND = {
    "DocumentName": "AWS-RunShellScript",
    "Parameters": {"commands": ["true"]},
    "InstanceIds": [INSTANCE],
    "Seconds": 60,
}
FUNCTION = {"FunctionName": "shift", "Qualifier": None, "Event": False, "Payload": '{"TaskId": "T1"}', "Seconds": 20}
MESSAGE = {"TopicArn": TOPIC, "Subject": "drill", "Message": "it is done", "Group": "01E"}
CALL = {
    "Method": "POST", "Url": "https://x.example.com/a", "Headers": {"X-Team": "web"}, "Secrets": {}, "Body": '{"a": 1}',
    "Expect": [], "Seconds": 5,
}  # fmt: skip


@pytest.fixture(scope="module")
def clients():
    """Made once, for making them takes long."""
    with pytest.MonkeyPatch.context() as monkeypatch, simulated(WORLD, VirtualClock(WORLD.start_time)):
        become_nobody(monkeypatch)
        made = Clients(region=REGION)
        recovery = recovery_of(made)
        yield made, recovery, open_actions(made, recovery, REGION)


@pytest.fixture
def world(clients):
    """A world with one instance, its clock, and the adapter."""
    clock = VirtualClock(WORLD.start_time)
    with simulated(WORLD, clock) as gateway:
        yield gateway, clock, clients[2]


def task(clock, kind, request, **changes):
    """A run that is to be asked for now."""
    made = Task(
        task_id="01JDD5Q3X8M4T7V2W9Y0Z00001", wave_name="Web", phase=TaskPhase.AFTER, index=0, number=1, kind=kind,
        title="it", intended_at=clock.now(), sent_at=clock.now(), sends=1, request=json.dumps(request),
    )  # fmt: skip
    return made.model_copy(update=changes)


def running(asked, outcome):
    """The run once it has begun."""
    assert isinstance(outcome, Begun), outcome
    return asked.model_copy(update={"status": TaskStatus.RUNNING, "external_id": outcome.external_id})


def counted(gateway, service):
    """How often a service has carried something out."""
    return sum(receipt["service"] == service for receipt in gateway.received())


def test_an_automation_is_followed_to_its_end(world):
    """With its outputs as proof."""
    _, clock, actions = world
    asked = task(clock, K.SSM_AUTOMATION, AUTOMATION)
    run = running(asked, actions.start(asked, Mode.SIMULATED))
    assert Going("InProgress") == actions.look(run)
    clock.sleep(60)
    assert Ended(True, "Success", "Rows: 12, 13") == actions.look(run)


def test_an_automation_that_is_asked_for_twice_is_one_run(world):
    """Whatever became of the first reply: the task's token finds it."""
    gateway, clock, actions = world
    gateway.faults.add(Fault(service="ssm", operation="StartAutomationExecution", kind=F.LOST_REPLY))
    asked = task(clock, K.SSM_AUTOMATION, AUTOMATION)
    assert isinstance(actions.start(asked, Mode.SIMULATED), Unknown)
    clock.sleep(120)
    again = asked.model_copy(update={"sent_at": clock.now()})
    assert isinstance(actions.start(again, Mode.SIMULATED), Begun)
    assert 1 == counted(gateway, "ssm")
    assert isinstance(actions.start(again.model_copy(update={"task_id": "01X"}), Mode.SIMULATED), Begun)
    assert 2 == counted(gateway, "ssm")


def test_an_automation_that_fails_says_why_and_one_that_is_stopped_is_cancelled(world):
    """In the service's own words."""
    _, clock, actions = world
    asked = task(clock, K.SSM_AUTOMATION, AUTOMATION | {"DocumentName": "Broken"})
    run = running(asked, actions.start(asked, Mode.SIMULATED))
    clock.sleep(10)
    assert Ended(False, "Failed: no such table") == actions.look(run)
    other = asked.model_copy(update={"task_id": "01X", "request": json.dumps(AUTOMATION)})
    run = running(other, actions.start(other, Mode.SIMULATED))
    actions.stop(run)
    assert Ended(False, "Cancelled") == actions.look(run)
    assert NotFound() == actions.look(run.model_copy(update={"external_id": "00000000-0000-4000-8000-000000000000"}))


def test_what_does_not_exist_is_refused_for_good(world):
    """A document, a function, a topic: nothing of it was carried out."""
    gateway, clock, actions = world
    for kind, request, code in (
        (K.SSM_AUTOMATION, AUTOMATION | {"DocumentName": "Missing"}, "AutomationDefinitionNotFoundException"),
        (K.LAMBDA, FUNCTION | {"FunctionName": "none"}, "ResourceNotFoundException"),
        (K.SNS, MESSAGE | {"TopicArn": f"{TOPIC}-gone"}, "NotFound"),
    ):
        outcome = actions.start(task(clock, kind, request), Mode.SIMULATED)
        assert isinstance(outcome, NotExecuted)
        assert (code, False) == (outcome.code, outcome.transient)
    assert [] == gateway.received()


@pytest.mark.parametrize(
    ("kind", "request_", "operation"),
    [
        (K.SSM_AUTOMATION, AUTOMATION, "StartAutomationExecution"),
        (K.SSM_COMMAND, COMMAND, "SendCommand"),
        (K.LAMBDA, FUNCTION, "Invoke"),
        (K.SNS, MESSAGE, "Publish"),
        (K.HTTP, CALL, "Invoke"),
    ],
    ids=lambda value: value.value if isinstance(value, ActionKind) else "",
)
def test_each_request_is_sent_once_and_comes_to_one_of_three_outcomes(world, kind, request_, operation):
    """A throttle is a refusal for now; a lost reply may have been carried out, and the SDK sends nothing again."""
    gateway, clock, actions = world
    service = {"SendCommand": "ssm", "Invoke": "lambda", "Publish": "sns"}.get(operation, "ssm")
    asked = task(clock, kind, request_)
    for fault, expected in ((F.THROTTLE, NotExecuted), (F.LOST_REPLY, Unknown), (F.ERROR_500_AFTER, Unknown)):
        gateway.faults.add(Fault(service=service, operation=operation, kind=fault))
        outcome = actions.start(asked.model_copy(update={"task_id": f"01{fault}"}), Mode.SIMULATED)
        assert isinstance(outcome, expected), outcome
        assert not isinstance(outcome, NotExecuted) or outcome.transient
    late = asked.model_copy(update={"sent_at": clock.now() - timedelta(minutes=6)})
    refused = actions.start(late, Mode.SIMULATED)
    assert isinstance(refused, NotExecuted), refused
    assert refused.code in {"InvalidSignatureException", "SignatureDoesNotMatch"}


def test_a_command_is_found_by_the_task_and_ends_with_what_it_printed(world):
    """Where nobody wrote down its id, its comment tells whose it is."""
    gateway, clock, actions = world
    asked = task(clock, K.SSM_COMMAND, COMMAND | {"Parameters": {"commands": ["bad"]}})
    assert NotFound() == actions.look(asked)
    gateway.faults.add(Fault(service="ssm", operation="SendCommand", kind=F.LOST_REPLY))
    assert isinstance(actions.start(asked, Mode.SIMULATED), Unknown)
    run = running(asked, actions.look(asked))
    clock.sleep(30)
    ended = actions.look(run)
    assert isinstance(ended, Ended)
    assert (False, f"{INSTANCE}: Failed, exit code 3") == (ended.good, ended.outcome)
    assert "no such table" in (ended.output or "")


def test_an_agent_that_is_not_seen_yet_delays_a_command(world):
    """Until the action's time is over."""
    _, clock, actions = world
    asked = task(clock, K.SSM_COMMAND, COMMAND | {"InstanceIds": ["i-00000000000000001"]})
    first = actions.start(asked, Mode.SIMULATED)
    assert isinstance(first, NotExecuted)
    assert first.transient
    clock.sleep(60)
    last = actions.start(asked.model_copy(update={"sent_at": clock.now()}), Mode.SIMULATED)
    assert isinstance(last, NotExecuted)
    assert not last.transient


def test_a_function_s_answer_is_kept(world):
    """And so is its error; an event is only taken on."""
    gateway, clock, actions = world
    assert Ended(True, "200", '{"a": 1}') == actions.start(task(clock, K.LAMBDA, FUNCTION), Mode.SIMULATED)
    broken = actions.start(task(clock, K.LAMBDA, FUNCTION | {"FunctionName": "broken"}), Mode.SIMULATED)
    assert isinstance(broken, Ended)
    assert (False, "Unhandled: boom") == (broken.good, broken.outcome)
    event = actions.start(task(clock, K.LAMBDA, FUNCTION | {"Event": True}), Mode.SIMULATED)
    assert Ended(True, "202: Lambda took the event on, and tells no more of it") == event
    assert [{"TaskId": "T1"}] * 3 == [receipt["payload"] for receipt in gateway.received()]


def test_a_fifo_topic_delivers_a_message_once(world):
    """Published again within minutes, it is the same message; another topic gets it twice."""
    gateway, clock, actions = world
    for topic, expected in ((f"{TOPIC}.fifo", 1), (TOPIC, 3)):
        for _ in range(2):
            outcome = actions.start(task(clock, K.SNS, MESSAGE | {"TopicArn": topic}), Mode.SIMULATED)
            assert isinstance(outcome, Ended)
            assert outcome.good
        assert expected == counted(gateway, "sns")
    assert {"01JDD5Q3X8M4T7V2W9Y0Z00001"} == {receipt["token"] for receipt in gateway.received()}


def test_an_http_request_of_a_simulated_execution_goes_to_the_simulator(world, clients):
    """With its secret left here, and the task's id as its key; the world says what is answered."""
    gateway, clock, actions = world
    clients[0].ssm(REGION).put_parameter(Name="/dr/token", Value="sesame", Type="SecureString")
    request = CALL | {"Secrets": {"Authorization": "/dr/token"}}
    assert Ended(True, "answered 200") == actions.start(task(clock, K.HTTP, request), Mode.SIMULATED)
    busy = actions.start(task(clock, K.HTTP, request | {"Url": "https://x.example.com/busy"}), Mode.SIMULATED)
    assert Ended(False, "answered 503, and a 2xx was expected", "later, (a secret)") == busy
    (first, _) = gateway.received()
    assert ("POST https://x.example.com/a", "01JDD5Q3X8M4T7V2W9Y0Z00001", "a secret") == (
        first["name"], first["token"], first["headers"]["Authorization"],
    )  # fmt: skip
    assert "sesame" not in json.dumps(gateway.received())
    missing = actions.start(task(clock, K.HTTP, CALL | {"Secrets": {"Cookie": "/none"}}), Mode.SIMULATED)
    assert NotExecuted("ParameterNotFound", "there is no SSM parameter /none for Cookie") == missing


def test_nothing_of_a_real_execution_goes_to_a_simulator(world):
    """Nor the other way round: the endpoint is held against the execution's mode before each request."""
    gateway, clock, actions = world
    for kind, request in ((K.SSM_AUTOMATION, AUTOMATION), (K.HTTP, CALL), (K.SNS, MESSAGE)):
        outcome = actions.start(task(clock, kind, request), Mode.REAL)
        assert isinstance(outcome, NotExecuted)
        assert ("WrongEndpoint", True) == (outcome.code, outcome.transient)
    assert [] == gateway.received()


def test_what_cannot_be_looked_at_is_hidden_and_never_absent(world):
    """A throttled look says so."""
    gateway, clock, actions = world
    asked = task(clock, K.SSM_AUTOMATION, AUTOMATION)
    run = running(asked, actions.start(asked, Mode.SIMULATED))
    gateway.faults.add(Fault(service="ssm", operation="GetAutomationExecution", kind=F.THROTTLE))
    assert Hidden("ThrottlingException at GetAutomationExecution in us-west-2") == actions.look(run)


def test_addresses_are_ec2_s(world, clients):
    """Of the instances that have one."""
    _, _, actions = world
    assert {INSTANCE} == set(actions.addresses([INSTANCE, "i-00000000000000001"]))


# --- the web as it is ------------------------------------------------------------------------------------------------


@contextmanager
def web_server(status, text):
    """A web server on this machine that answers so; and what it was asked."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            asked.append((self.path, dict(self.headers), body.decode()))
            self.send_response(status)
            if status == 302:
                self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(("status", "good"), [(200, True), (302, False), (500, False)])
def test_a_web_server_is_asked_once_and_never_along_a_redirect(world, status, good):
    """With the task's id as the key by which it may recognise a repetition, and what it answers is kept."""
    _, clock, _ = world
    with web_server(status, "well") as (url, asked):
        call = task(clock, K.HTTP, CALL | {"Url": f"{url}/a?b=c"})
        outcome = Web(Secrets(None, REGION), clock.now).start(call, request_of(call))
    assert isinstance(outcome, Ended)
    assert (good, "well") == (outcome.good, outcome.output)
    ((path, headers, body),) = asked
    assert ("/a?b=c", "web", call.task_id, '{"a": 1}') == (path, headers["X-Team"], headers["Idempotency-Key"], body)


def test_a_header_that_cannot_be_sent_is_not_sent(world):
    """A placeholder had filled it with characters that no header holds; nobody was asked."""
    _, clock, _ = world
    with web_server(200, "") as (url, asked):
        call = task(clock, K.HTTP, CALL | {"Url": url, "Headers": {"X-Wave": "東京"}})
        outcome = Web(Secrets(None, REGION), clock.now).start(call, request_of(call))
    assert (NotExecuted("InvalidHeader", "the value of header X-Wave is not Latin-1 on one line"), []) == (
        outcome, asked,
    )  # fmt: skip


def test_a_web_server_that_is_not_there_was_not_asked(world):
    """A refused connection is a refusal for now."""
    _, clock, _ = world
    with web_server(200, "") as (url, _):
        pass
    call = task(clock, K.HTTP, CALL | {"Url": url})
    outcome = Web(Secrets(None, REGION), clock.now).start(call, request_of(call))
    assert isinstance(outcome, NotExecuted)
    assert outcome.transient


@pytest.mark.parametrize(
    ("says", "transient"),
    [
        (gaierror(EAI_NONAME, "Name or service not known"), False),
        (gaierror(EAI_AGAIN, "Temporary failure in name resolution"), True),
        (OSError(5, "Input/output error"), True),
        (UnicodeError("label too long"), False),
    ],
)
def test_a_host_without_an_address_was_not_asked(world, says, transient):
    """A name that does not exist is a refusal for good; a resolver that fails one for now."""
    _, clock, _ = world

    def resolve(host):
        assert "127.0.0.1" == host
        raise says

    with web_server(200, "") as (url, asked):
        call = task(clock, K.HTTP, CALL | {"Url": url})
        outcome = Web(Secrets(None, REGION), clock.now, resolve=resolve).start(call, request_of(call))
    assert isinstance(outcome, NotExecuted)
    assert ("NameNotResolved", transient, []) == (outcome.code, outcome.transient, asked)


def test_a_name_that_nobody_has_was_not_asked(world):
    """As this machine's own resolver says it, whether it knows that or cannot be reached."""
    _, clock, _ = world
    call = task(clock, K.HTTP, CALL | {"Url": "http://cmdb.example.invalid/a"})
    outcome = Web(Secrets(None, REGION), clock.now).start(call, request_of(call))
    assert isinstance(outcome, NotExecuted)
    assert "NameNotResolved" == outcome.code


def test_a_resolver_that_does_not_answer_keeps_nobody_waiting(world):
    """Nothing was sent, and it is tried again."""
    _, clock, _ = world
    over = Event()
    with web_server(200, "") as (url, asked):
        call = task(clock, K.HTTP, CALL | {"Url": url})
        web = Web(Secrets(None, REGION), clock.now, connect_seconds=0.05, resolve=lambda _: over.wait())
        outcome = web.start(call, request_of(call))
        over.set()
    why = "no address of 127.0.0.1 was told within 0.05 s"
    assert (NotExecuted("NameNotResolved", why, transient=True), []) == (outcome, asked)


def test_a_greeting_that_does_not_end_was_no_request(world):
    """The request waits behind it, and is not sent any more."""
    _, clock, _ = world
    with dripping_server(b"\x16\x03\x03\x40\x00\x02") as port:
        call = task(clock, K.HTTP, CALL | {"Url": f"https://127.0.0.1:{port}", "Seconds": 0.1})
        outcome = Web(Secrets(None, REGION), clock.now, connect_seconds=0.05).start(call, request_of(call))
    assert isinstance(outcome, NotExecuted)
    assert ("ConnectionFailed", True) == (outcome.code, outcome.transient)


def test_a_greeting_that_is_broken_off_is_no_certificate_that_does_not_fit(world):
    """As by a web server that is just being started: nothing was sent, and it is tried again."""
    _, clock, _ = world
    with create_server(("127.0.0.1", 0)) as listening:

        def hang_up():
            connection, _ = listening.accept()
            with connection:
                connection.recv(65_536)

        Thread(target=hang_up, daemon=True).start()
        call = task(clock, K.HTTP, CALL | {"Url": f"https://127.0.0.1:{listening.getsockname()[1]}"})
        outcome = Web(Secrets(None, REGION), clock.now).start(call, request_of(call))
    assert isinstance(outcome, NotExecuted)
    assert ("ConnectionFailed", True) == (outcome.code, outcome.transient)


def test_a_proxy_that_does_not_let_through_keeps_nobody_waiting(world, monkeypatch):
    """It looks names up itself; as long as the way through it is not open nothing was sent."""
    _, clock, _ = world
    with dripping_server(b"HTTP/1.1 200 OK\r\nX-Long: ") as port:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{port}")
        call = task(clock, K.HTTP, CALL | {"Url": "https://cmdb.example.invalid/a", "Seconds": 0.1})
        outcome = Web(Secrets(None, REGION), clock.now, connect_seconds=0.05).start(call, request_of(call))
    why = "the connection did not open within 0.25 s"
    assert NotExecuted("ConnectionFailed", why, transient=True) == outcome


def test_a_line_that_was_given_up_sends_nothing():
    """However late it opens; one that was open, or that nobody saw, cannot be given up."""
    late, early = Line(), Line()
    assert not late.give_up()
    late.trying()
    assert late.give_up()
    with pytest.raises(ConnectionAbortedError):
        late.opened()
    early.trying()
    early.opened()
    assert not early.give_up()


@contextmanager
def endless_server(chunk):
    """A web server whose answers never end, and whose words are in no alphabet that it names."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; charset=no-such-alphabet")
            self.end_headers()
            with suppress(OSError):
                while True:
                    self.wfile.write(chunk)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def test_headers_that_never_end_keep_nobody_waiting(world):
    """A server that sends a byte of them now and then is left to itself: what it did nobody knows."""
    _, clock, _ = world
    with dripping_server(b"HTTP/1.1 200 OK\r\nX-Long: ") as port:
        call = task(clock, K.HTTP, CALL | {"Url": f"http://127.0.0.1:{port}", "Seconds": 0.1})
        web = Web(Secrets(None, REGION), clock.now, connect_seconds=0.05)
        outcome = web.start(call, request_of(call))
    assert Unknown("there was no answer within 0.25 s") == outcome


def test_a_status_that_came_counts_however_slowly_the_rest_comes(world):
    """A body of which a byte comes now and then, by a clock that stands still: what the server did is known."""
    _, clock, _ = world
    with dripping_server(b"HTTP/1.1 200 OK\r\n\r\n") as port:
        call = task(clock, K.HTTP, CALL | {"Url": f"http://127.0.0.1:{port}", "Seconds": 0.1})
        web = Web(Secrets(None, REGION), clock.now, connect_seconds=0.05)
        outcome = web.start(call, request_of(call))
    assert Ended(True, "answered 200") == outcome


@pytest.mark.parametrize("tick", [0, 4])
def test_an_answer_that_never_ends_keeps_nobody_waiting(world, tick):
    """Its status counts; of the rest only so much is read, or what came in the action's time."""
    _, clock, _ = world
    times = count(0, tick)
    with endless_server(b"\xff" * 100) as url:
        call = task(clock, K.HTTP, CALL | {"Url": url})
        web = Web(Secrets(None, REGION), lambda: clock.now() + timedelta(seconds=next(times)))
        outcome = web.start(call, request_of(call))
    assert isinstance(outcome, Ended)
    assert (True, "answered 200", {"\N{REPLACEMENT CHARACTER}"}) == (outcome.good, outcome.outcome, set(outcome.output))
    assert len(outcome.output) <= 4_000
