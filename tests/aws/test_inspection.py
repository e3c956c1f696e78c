"""EC2's word on instances, and probes of a world, through boto3: what the world says, and nothing of it lost."""

import base64
from datetime import timedelta

import pytest

from drskit.aws.clients import Clients
from drskit.aws.inspection import Ec2Inspection
from drskit.aws.worldprobe import WorldProber
from drskit.checks import Certificate
from drskit.clock import VirtualClock
from drskit.errors import Unavailable
from drskit.probes import Answer, Ask
from drskit.probing import Health
from drskit.sim import simulated
from drskit.sim.spec import Fault, FaultKind
from tests.aws.conftest import REGION, become_nobody
from tests.sim.lab import make_spec

ONE, TWO, NOBODY = "i-0123456789abcdef0", "i-0123456789abcdef1", "i-" + "0" * 17
ANSWERS = {
    "screen": "none",
    "status": [{"before": 90, "system": "impaired"}, {}],
    "tcp": [{"port": 22, "open": False}],
    "http": [
        {"path": "/health", "before": 300, "status": 503, "body": "starting"},
        {"path": "/health", "body": "UP"},
        {"port": 443, "certificate": "expired"},
        {"path": "/moved", "status": 302, "location": "https://login/"},
    ],
}
START = "2026-03-02T09:00:00Z"
WORLD = make_spec(
    {"instances": [{"id": ONE, "launched": START}], "answers": ANSWERS},
    {"instances": [{"id": TWO, "launched": START}]},
    start=START,
)


@pytest.fixture(scope="module")
def clients():
    """Made once, for making them takes long."""
    with pytest.MonkeyPatch.context() as monkeypatch, simulated(WORLD, VirtualClock(WORLD.start_time)):
        become_nobody(monkeypatch)
        made = Clients(region=REGION)
        yield made.ec2(REGION), made.world_probe(REGION, None)


@pytest.fixture
def world(clients):
    """A world with two instances that were just launched, its clock, and the adapters."""
    clock = VirtualClock(WORLD.start_time)
    with simulated(WORLD, clock) as gateway:
        ec2, probe = clients
        yield gateway, clock, Ec2Inspection(ec2, REGION), WorldProber(probe, REGION)


def test_ec2_says_how_each_instance_is(world):
    """By the time since its launch; one that EC2 does not know hides no other."""
    _, clock, inspection, _ = world
    found = inspection.health([ONE, NOBODY, TWO])
    assert found == {
        ONE: Health("ok", "impaired", "reachability failed"),
        TWO: Health("initializing", "initializing", "reachability initializing"),
    }
    clock.sleep(120)
    assert inspection.health([ONE, TWO]) == {ONE: Health("ok", "ok"), TWO: Health("ok", "ok")}
    assert inspection.health([NOBODY]) == {}


def test_an_instance_has_its_addresses(world):
    """Private and public; one that EC2 does not know has none."""
    _, _, inspection, _ = world
    found = inspection.addresses([ONE, NOBODY])
    assert set(found) == {ONE}
    assert found[ONE][0].startswith("172.31.")


def test_an_answer_that_is_none_is_no_absence(world):
    """It can be asked again."""
    gateway, _, inspection, prober = world
    gateway.add_faults([Fault(service="ec2", operation="*", kind=FaultKind.THROTTLE, times=2)])
    gateway.add_faults([Fault(service="drskit-probe", operation="Probe", kind=FaultKind.ERROR_500)])
    for ask in (
        lambda: inspection.health([ONE]),
        lambda: inspection.addresses([ONE]),
        lambda: prober.ask([Ask("10.0.0.1", 80)]),
    ):
        with pytest.raises(Unavailable):
            ask()


def test_a_world_answers_probes_by_its_file(world):
    """Ports and URLs of its instances, in their order; whatever else is asked for cannot be reached."""
    _, clock, inspection, prober = world
    one, two = (inspection.addresses([name])[name][0] for name in (ONE, TWO))
    clock.sleep(30)
    assert prober.ask([Ask(two, 80)]) == [Answer(False, "refused")]
    clock.sleep(60)
    answers = prober.ask(
        [
            Ask(one, 22),
            Ask(one, 80),
            Ask(one, 8080, f"http://{one}:8080/health?deep=1"),
            Ask(one, 443, f"https://{one}/", Certificate.VERIFY),
            Ask(one, 443, f"https://{one}/", Certificate.IGNORE),
            Ask(one, 80, f"http://{one}/moved"),
            Ask(two, 80, f"http://{two}/anything"),
            Ask("10.9.9.9", 80),
        ]
    )
    assert answers == [
        Answer(False, "refused"),
        Answer(True, "open"),
        Answer(True, "503", 503, "starting"),
        Answer(False, "certificate: certificate has expired"),
        Answer(True, "200", 200),
        Answer(True, "302", 302, "", "https://login/"),
        Answer(True, "200", 200),
        Answer(False, "timed out"),
    ]
    clock.sleep(timedelta(minutes=5).total_seconds())
    assert prober.ask([Ask(one, 8080, f"http://{one}:8080/health")]) == [Answer(True, "200", 200, "UP")]
    assert len(prober.ask([Ask(two, 80)] * 250)) == 250


def test_ec2_may_give_a_picture_of_a_console(world):
    """A JPEG in base64, or nothing, for whatever reason."""
    gateway, _, inspection, _ = world
    assert base64.b64decode(inspection.screenshot(TWO))[:3] == b"\xff\xd8\xff"
    assert inspection.screenshot(ONE) is None
    assert inspection.screenshot(NOBODY) is None
    gateway.add_faults([Fault(service="ec2", operation="GetConsoleScreenshot", kind=FaultKind.ACCESS_DENIED)])
    assert inspection.screenshot(TWO) is None
