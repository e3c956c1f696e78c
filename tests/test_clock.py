"""The clocks: nobody waits in a test, for a world's time is its own."""

import http.server
import threading
from datetime import UTC, timedelta

import pytest

from drskit.clock import ClockKind, RemoteClock, ScaledClock, SystemClock, VirtualClock, make_clock, wait_until
from drskit.errors import WorldUnreachable
from drskit.sim.server import serve
from tests.builders import START, at
from tests.sim.lab import make_spec


def test_a_virtual_clock_moves_only_when_somebody_sleeps():
    """By exactly what was slept; never back."""
    clock = VirtualClock(START)
    assert START == clock.now() == clock.now()
    clock.sleep(1_800)
    clock.sleep(0.25)
    assert at(1_800.25) == clock.now()
    clock.sleep(0)
    clock.sleep(-5)
    assert at(1_800.25) == clock.now()


def test_a_virtual_clock_loses_no_sleep_between_threads():
    """Each jump counts."""
    clock = VirtualClock(START)
    threads = [threading.Thread(target=lambda: [clock.sleep(1) for _ in range(200)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert at(800) == clock.now()


def test_a_scaled_clock_runs_as_many_times_as_fast():
    """At a billion, an hour is over before one looks."""
    clock = ScaledClock(START, 1e9)
    before = clock.now()
    clock.sleep(3_600)
    assert before >= START
    assert clock.now() >= before + timedelta(hours=1)


def test_a_scaled_clock_that_hardly_moves_is_still_at_its_start():
    """A speed below one slows time down."""
    clock = ScaledClock(START, 1e-9)
    clock.sleep(-1)
    assert START <= clock.now() < at(1)


@pytest.mark.parametrize("speed", [0, -1])
def test_a_scaled_clock_needs_a_speed(speed):
    """Zero means virtual time, and that is another clock."""
    with pytest.raises(ValueError, match="needs a speed above 0"):
        ScaledClock(START, speed)


def test_the_speed_chooses_the_clock():
    """0 is virtual, everything above is scaled."""
    assert (ClockKind.VIRTUAL, 0.0) == ((clock := make_clock(START, 0)).kind, clock.speed)
    assert (ClockKind.SCALED, 60) == ((clock := make_clock(START, 60)).kind, clock.speed)


def test_the_system_clock_tells_utc_and_does_not_wait_for_nothing():
    """Zero and less are no time at all."""
    clock = SystemClock()
    before = clock.now()
    clock.sleep(0)
    clock.sleep(-3_600)
    assert UTC == before.tzinfo
    assert timedelta(0) <= clock.now() - before < timedelta(minutes=1)


# --- the clock of a world in another process -------------------------------------------------------------------------


def test_a_remote_clock_tells_and_moves_a_virtual_world_s_time():
    """Two clocks of one world are one clock."""
    world = VirtualClock(START)
    with serve(make_spec(), world) as server:
        clock, other = RemoteClock(server.clock_url), RemoteClock(server.clock_url)
        assert (ClockKind.VIRTUAL, 0.0, START) == (clock.kind, clock.speed, clock.now())
        clock.sleep(90.5)
        clock.sleep(0)
        clock.sleep(-1)
        assert at(90.5) == clock.now() == other.now() == world.now()


def test_a_remote_clock_waits_out_a_scaled_world_s_time():
    """It cannot be moved by hand."""
    with serve(make_spec(), ScaledClock(START, 1e9)) as server:
        clock = RemoteClock(server.clock_url)
        assert (ClockKind.SCALED, 1e9) == (clock.kind, clock.speed)
        before = clock.now()
        clock.sleep(60)
        assert clock.now() >= before + timedelta(minutes=1)


def test_a_world_that_has_gone_is_unreachable():
    """Nobody can tell: exit code 3, and what to do."""
    with serve(make_spec(), VirtualClock(START)) as server:
        clock = RemoteClock(server.clock_url)
    with pytest.raises(
        WorldUnreachable, match=r"does not answer .* `drskit sim serve`, or unset DRSKIT_CLOCK_URL"
    ) as gone:
        clock.now()
    assert 3 == gone.value.exit_code


class Greeter(http.server.BaseHTTPRequestHandler):
    """A web server that is no world."""

    def do_GET(self):
        """Say something that is no JSON."""
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.server.words)

    def log_message(self, *_):
        """Say nothing else."""


@pytest.mark.parametrize(
    "words", [b"<h1>Welcome</h1>", b"", b"[]", b'{"hello": "world"}', b'{"kind": "x", "speed": 1}']
)
def test_an_address_of_something_else_is_unreachable(words):
    """A proxy's page is no clock."""
    with http.server.HTTPServer(("127.0.0.1", 0), Greeter) as server:
        server.words = words
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        with pytest.raises(WorldUnreachable):
            RemoteClock(f"http://127.0.0.1:{server.server_address[1]}/drskit/clock")
        thread.join()


@pytest.mark.parametrize(
    "url", ["localhost:5000", "", "http://", "http://[::1/drskit/clock", "http://127.0.0.1:99999/"]
)
def test_an_address_that_is_none_is_unreachable(url):
    """Whatever the library calls it."""
    with pytest.raises(WorldUnreachable):
        RemoteClock(url)


def test_waiting_for_a_process_ends_when_it_is_ready_or_the_time_is_over():
    """Ready at once costs nothing; never ready is False."""
    answers = iter([False, False, True])
    assert wait_until(lambda: next(answers), timeout_seconds=60, every_seconds=0)
    assert not wait_until(lambda: False, timeout_seconds=0)
