"""Events and boards as text."""

import io
import re
from datetime import timedelta

import pandas as pd
import pytest
from rich.console import Console

from drskit.model import Event
from drskit.views.frames import executions_frame, servers_frame, waves_frame
from drskit.views.readable import readable_frame
from drskit.views.text import board_text, event_line, rich_board
from drskit.views.words import age
from tests.report import samples

UNSAFE = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def line(kind: str, **facts) -> str:
    return event_line(Event(sequence=1, time=samples.at(569), actor="poller", kind=kind, facts=facts))


@pytest.mark.parametrize(
    ("expected", "told"),
    [
        (
            "19:24:35Z  Wave Database  COMPLETED (was IN_PROGRESS)  2 of 2 servers launched",
            line("WAVE_CHANGED", Wave="Database", From="IN_PROGRESS", To="COMPLETED", Reason="2 of 2 servers launched"),
        ),
        (
            "19:24:35Z  Execution  PAUSED (was POLLING)  waiting for approval of wave Web",
            line("EXECUTION_CHANGED", From="POLLING", To="PAUSED", WaitingFor="approval of wave Web"),
        ),
        (
            "19:24:35Z  Execution  still POLLING  waiting for a job slot",
            line("EXECUTION_CHANGED", From="POLLING", To="POLLING", WaitingFor="a job slot"),
        ),
        (
            "19:24:35Z  Execution  still POLLING  no longer waiting",
            line("EXECUTION_CHANGED", From="POLLING", To="POLLING", WaitingFor=None),
        ),
        (
            "19:24:35Z  Execution  STARTED  of 2 instances  PlanId=shop",
            line("EXECUTION_STARTED", PlanId="shop", Fast=False, Instances=[{"Status": "LAUNCHED"}] * 2),
        ),
        ("19:24:35Z  Execution  WAITING for a free job slot", line("WAITING", For="a free job slot")),
        (
            "19:24:35Z  Wave Database  attempt 2 intended  Servers=s-1, s-2",
            line("ATTEMPT_INTENT", Wave="Database", Attempt=2, AttemptId="01J", Servers=["s-1", "s-2"]),
        ),
        (
            "19:24:35Z  Wave Database  attempt 1 launched  job drsjob-1",
            line("ATTEMPT_LAUNCHED", Wave="Database", Attempt=1, JobId="drsjob-1"),
        ),
        (
            "19:24:35Z  Wave Database  attempt 1, chunk 2 refused for now  6 jobs run already",
            line("ATTEMPT_REFUSED", Wave="Database", Attempt=1, Chunk=1, Reason="6 jobs run already"),
        ),
        (
            "19:24:35Z  Wave Database  job drsjob-1 COMPLETED (was STARTED)",
            line("JOB_CHANGED", Wave="Database", Attempt=1, Chunk=0, JobId="drsjob-1", From="STARTED", To="COMPLETED"),
        ),
        ("19:24:35Z  Wave Web  delayed  throttled", line("WAVE_DELAYED", Wave="Web", Reason="throttled")),
        (
            "19:24:35Z  Wave Web  db-1 s-1 LAUNCHED",
            line(
                "SERVERS_CHANGED",
                Wave="Web",
                Servers=[{"SourceServerId": "s-1", "Name": "db-1", "Status": "LAUNCHED", "Phase": "LAUNCH"}],
            ),
        ),
        ("19:24:35Z  Execution  not executed  too old", line("ATTEMPT_NOT_EXECUTED", Reason="too old")),
        (
            "19:24:35Z  Wave Web  command approve received by mira  fine",
            line("COMMAND_RECEIVED", Wave="Web", Kind="approve", By="mira", Reason="fine"),
        ),
        (
            "19:24:35Z  Execution  s-1 FAILED: no capacity;  5 servers LAUNCHING CONVERSION",
            line(
                "SERVERS_CHANGED",
                Servers=[
                    {"SourceServerId": "s-1", "Status": "FAILED", "Phase": None, "Error": "no capacity"},
                    *({"SourceServerId": f"s-{n}", "Status": "LAUNCHING", "Phase": "CONVERSION"} for n in range(5)),
                ],
            ),
        ),
        (
            "19:24:35Z  Execution  LAUNCH_END  A=1, 2, 3 and 2 more  B=x=1",
            line("LAUNCH_END", A=[1, 2, 3, 4, 5], B={"x": 1}),
        ),
    ],
)
def test_an_event_is_one_line_that_a_person_reads(expected, told):
    """Known kinds in words, unknown ones with all their facts."""
    assert expected == told


@pytest.mark.parametrize("kind", ["SERVERS_CHANGED", "WAVE_CHANGED", "ATTEMPT_INTENT", "COMMAND_RECEIVED", "WAITING"])
@pytest.mark.parametrize(
    "facts", [{}, {"Servers": "x"}, {"Servers": [1]}, {"Wave": 3}, {"Servers": [{}], "Attempt": []}]
)
def test_no_event_is_too_odd_to_be_shown(kind, facts):
    """A history is evidence, whoever wrote it."""
    assert line(kind, **facts).startswith("19:24:35Z  ")


@pytest.mark.parametrize("render", [board_text, lambda *given: _printed(rich_board(*given))])
def test_nothing_printed_steers_a_terminal(render):
    """Names and errors come from outside."""
    sample = samples.hostile()
    printed = render(sample.execution, sample.now) + "".join(event_line(event) for event in sample.events)
    assert None is UNSAFE.search(printed)
    assert "owned" in printed


def test_the_board_reads_as_text():
    """Mode, verdict of each wave, the failed first, with the error."""
    sample = samples.failing()
    lines = board_text(sample.execution, sample.now).splitlines()
    assert lines[0].startswith("REAL DRILL shop ✖ FAILED: 6 of 12 servers launched, took 21 min 32 s")
    wave = next(index for index, text in enumerate(lines) if text.startswith("Wave Application"))
    assert "  ✖ FAILED     s-00000000000000005 app-5" in lines[wave + 1]
    assert "UnauthorizedOperation" in lines[wave + 1]
    assert "DRS gave no reason" in lines[wave + 2]


def test_a_large_board_stays_readable():
    """What is not done, and the number of the rest."""
    sample = samples.large(300)
    assert 30 > len(board_text(sample.execution, sample.now).splitlines())
    assert "and 145 more servers" in board_text(sample.execution, sample.now)


def test_the_live_terminal_shows_the_same():
    """The headline, the wait and each wave."""
    sample = samples.waiting_for_approval()
    printed = _printed(rich_board(sample.execution, sample.now))
    assert "SIMULATED DRILL shop ‖ PAUSED" in printed
    assert "WAITING FOR: approval of wave Application" in printed
    assert 3 == printed.count("Instance or error")


@pytest.mark.parametrize("render", [board_text, lambda *given: _printed(rich_board(*given))])
def test_a_start_against_the_change_control_is_told_in_the_terminal(render):
    """With a mark, before the waves."""
    sample = samples.overridden()
    told = render(sample.execution, sample.now)
    assert told.index("! Started without a ticket AGAINST its change control") < told.index("Wave Database")


def test_tables_hold_a_line_for_each_server_and_wave():
    """Times are UTC, spans are spans, both in whole seconds; absent values are NA."""
    execution = samples.failing().execution
    servers = servers_frame(execution)
    assert (12, "UTC") == (len(servers), str(servers["Started"].dt.tz))
    assert [1, 1] == servers["Attempt"].head(2).tolist()
    assert servers.set_index("Name").loc["web-9", ["Started", "RTO", "RPO"]].isna().all()
    assert [4, 2, 0] == waves_frame(execution)["Launched"].tolist()
    assert 536 == servers["RTO"].dt.total_seconds()[0]


def test_a_table_shows_itself_in_words_and_computes_as_a_dataframe():
    """No NaT, no `0 days`, no broken id; columns in which nothing stands are named, not shown."""
    shown = servers_frame(samples.completed().execution)
    html = shown._repr_html_()
    assert [] == [word for word in ("NaT", "None", "NaN", "0 days", "+00:00") if word in html + repr(shown)]
    assert "8 min 56 s" in html
    assert ">19:15:09Z</span>" in html
    assert "All times are of 2026-11-23, UTC." in html
    assert "In all rows: Attempt 1, Critical yes." in html
    assert '<span style="white-space:nowrap">s-00000000000000001</span>' in html
    assert "✔ LAUNCHED" in html
    assert "Nothing stands in Error. The DataFrame also has Requested." in html
    assert pd.DataFrame is type(shown[shown["Wave"] == "Web"])
    assert "s-00000000000000001" in repr(shown)
    assert [] == [word for word in ("NaT", "None", "<NA>") if word in repr(servers_frame(samples.failing().execution))]


def test_a_table_of_servers_is_as_narrow_as_a_notebook_is():
    """The name stands over the id, and a time that few ask for is in the DataFrame alone."""
    shown = servers_frame(samples.completed().execution)
    html = shown._repr_html_()
    heads = re.findall(r"<th scope=\"col\"[^>]*>([^<]*)</th>", html)
    assert ["Wave", "Server", "Status", "RTO", "RPO", "Instance", "Started", "Ended"] == heads[:8]
    assert not {"Name", "Requested"} & set(heads)
    assert re.search(r">db-1</span><br><span [^>]*>s-00000000000000001<", html)
    assert {"Name", "Requested"} <= set(shown.columns)


def test_a_short_text_of_a_table_takes_no_room_to_wrap_in():
    """Only what is long has some, for what stands at the right would be out of sight."""
    html = readable_frame()([{"Servers": "2 of 12", "Waiting for": "approval of wave Application"}])._repr_html_()
    assert '<span style="white-space:nowrap">2 of 12</span>' in html
    assert 1 == html.count("min-width:12em")


def test_a_long_table_shows_its_beginning_and_counts_the_rest():
    """The frame holds them all."""
    shown = servers_frame(samples.large(300).execution)
    assert 300 == len(shown)
    assert "240 more rows in the DataFrame." in shown._repr_html_()
    assert "No rows." in executions_frame([])._repr_html_()


def _printed(board) -> str:
    console = Console(width=160, record=True, file=io.StringIO(), color_system=None)
    console.print(board)
    return console.export_text()


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(40, "40 s"), (420, "7 min"), (7_500, "2 h 05 min"), (266_400, "3 d 2 h"), (-3, "0 s")],
)
def test_an_age_is_rough(seconds, text):
    """Two units at most."""
    assert text == age(timedelta(seconds=seconds))
