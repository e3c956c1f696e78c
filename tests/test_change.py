"""A plan is started when its change control allows it, or when somebody says why not to wait."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from drskit.change import HORIZON, Freeze, judge, words
from drskit.errors import ChangeRefused, InvalidRunbook
from drskit.freezes import freezes_of
from drskit.model import ChangeControl, Runbook, Ticket
from drskit.runbook import load_runbook, parse_runbook
from drskit.verify import faults
from drskit.views.preview import preview_text
from tests.harness import House, final, house

EXAMPLES = Path(__file__).parent.parent / "runbooks" / "examples"
MONDAY_NIGHT = datetime(2026, 3, 2, 22, 30, tzinfo=UTC)
MONDAY_NOON = datetime(2026, 3, 2, 11, tzinfo=UTC)
BASE = """version: 1
plan: change
sites: {main: {region: us-west-2}}
groups: {all: {select: {tags: {Application: change}}}}
waves: [{name: All, groups: [all]}]
"""


def control(text: str) -> ChangeControl:
    """The change control of a runbook that says this."""
    found = parse_runbook(f"{BASE}change: {text}\n").plan.change
    assert found is not None
    return found


def runbook() -> Runbook:
    """The one that is shipped."""
    return load_runbook(EXAMPLES / "change.yaml")


@pytest.fixture
def home():
    """Its world, on a Monday night."""
    with house(text=(EXAMPLES / "worlds" / "change.yaml").read_text()) as opened:
        yield opened


# --- windows ---------------------------------------------------------------------------------------------------------

NIGHTS = "{timezone: Europe/Berlin, windows: [{days: [mon], from: '22:00', until: '05:00'}]}"


@pytest.mark.parametrize(
    ("at", "allowed"),
    [
        ("2026-03-02T20:59:59Z", False),
        ("2026-03-02T21:00:00Z", True),
        ("2026-03-03T03:59:59Z", True),
        ("2026-03-03T04:00:00Z", False),
        ("2026-03-03T22:00:00Z", False),
    ],
)
def test_a_window_over_midnight_belongs_to_the_day_on_which_it_begins(at, allowed):
    """Its first instant counts, its end does not; all in the plan's time zone."""
    assert allowed is judge(control(NIGHTS), (), datetime.fromisoformat(at), None).allowed


def test_a_window_keeps_its_local_hours_when_clocks_change():
    """Berlin goes from UTC+1 to UTC+2 on 2026-03-29; the Monday after it the window opens an hour earlier in UTC."""
    windows = control(NIGHTS)
    assert (
        datetime(2026, 3, 23, 21, tzinfo=UTC) == judge(windows, (), datetime(2026, 3, 20, tzinfo=UTC), None).next_start
    )
    assert (
        datetime(2026, 3, 30, 20, tzinfo=UTC) == judge(windows, (), datetime(2026, 3, 27, tzinfo=UTC), None).next_start
    )


def test_a_whole_day_is_from_midnight_to_midnight():
    """24:00 is the day's end."""
    saturdays = control("{windows: [{days: [sat], from: '00:00', until: '24:00'}]}")
    assert judge(saturdays, (), datetime(2026, 3, 7, 23, 59, 59, tzinfo=UTC), None).allowed
    assert not judge(saturdays, (), datetime(2026, 3, 8, tzinfo=UTC), None).allowed
    assert "sat 00:00-24:00" == words(saturdays.windows[0])


def test_without_windows_any_time_is_good():
    """Ticket and freeze are rules of their own."""
    assert judge(control("{ticket: optional}"), (), MONDAY_NOON, None).allowed


def test_the_next_start_lies_in_a_window_and_after_every_freeze():
    """The earliest such instant: a freeze that ends inside a window ends it there."""
    freeze = Freeze(MONDAY_NOON, datetime(2026, 3, 2, 23, tzinfo=UTC), "release")
    judgement = judge(control(NIGHTS), (freeze,), MONDAY_NOON, None)
    assert datetime(2026, 3, 2, 23, tzinfo=UTC) == judgement.next_start
    assert 2 == len(judgement.against)


def test_when_no_window_opens_any_more_nobody_is_told_to_wait():
    """Then the runbook is at fault."""
    freeze = Freeze(MONDAY_NOON, MONDAY_NOON + HORIZON + timedelta(days=9), "for ever")
    assert None is judge(control(NIGHTS), (freeze,), MONDAY_NOON, None).next_start


# --- what is written -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "line", "remedy"),
    [
        ("", "change", "say ticket, windows or freeze"),
        ("{ticket: yes}", "change.ticket", "'optional' or 'required'"),
        ("{windows: [{from: '22:00'}]}", "change.windows[0].until", "the key is missing"),
        ("{windows: [{from: 22, until: '23:00'}]}", "change.windows[0].from", "write for example 22:00"),
        ("{windows: [{from: '25:00', until: '23:00'}]}", "change.windows[0].from", "write for example 22:00"),
        ("{windows: [{days: [monday], from: '01:00', until: '23:00'}]}", "change.windows[0].days[0]", "'mon'"),
        ("{windows: [{from: '22:00', until: '22:00'}]}", "change.windows[0].until", "from 00:00 until 24:00"),
        ("{timezone: Europe/Bielefeld}", "change.timezone", "write for example Europe/Berlin"),
        ("{timezone: /etc/passwd}", "change.timezone", "write for example Europe/Berlin"),
        ("{ticket: required, approver: me}", "change.approver", "the key is unknown"),
    ],
)
def test_a_fault_is_named_with_its_line(text, line, remedy):
    """As every fault of a runbook."""
    with pytest.raises(InvalidRunbook) as caught:
        parse_runbook(f"{BASE}change: {text}\n", source="shop.yaml")
    (complaint,) = caught.value.complaints
    assert complaint.startswith(f"shop.yaml:6: {line}: ")
    assert remedy in complaint


# --- the calendar ----------------------------------------------------------------------------------------------------


def test_a_calendar_counts_its_repetitions_and_not_what_was_called_off():
    """Whole days begin and end at midnight of the plan's time zone."""
    freezes = freezes_of(runbook(), MONDAY_NIGHT)
    assert ["Release 12", "Year-end freeze"] == [freeze.title for freeze in freezes]
    year_end = freezes[1]
    assert (datetime(2026, 12, 19, 23, tzinfo=UTC), datetime(2027, 1, 6, 23, tzinfo=UTC)) == (
        year_end.begin,
        year_end.end,
    )


@pytest.mark.parametrize(
    ("content", "words_of_it"),
    [(None, "No such file"), (b"", "no iCalendar file"), (b"<html>sign in</html>", "no iCalendar file"),
     (b"BEGIN:VEVENT\r\nEND:VEVENT\r\n", "it begins with VEVENT")],
)  # fmt: skip
def test_a_calendar_that_cannot_be_read_is_no_empty_one(tmp_path, content, words_of_it):
    """Nothing is started then: nobody knows whether a freeze lasts."""
    path = tmp_path / "book.yaml"
    path.write_text(f"{BASE}change: {{freeze: freeze.ics}}\n")
    if content is not None:
        (tmp_path / "freeze.ics").write_bytes(content)
    with pytest.raises(InvalidRunbook, match=r"change\.freeze") as caught:
        freezes_of(load_runbook(path), MONDAY_NIGHT)
    assert words_of_it in str(caught.value)


# --- a start ---------------------------------------------------------------------------------------------------------


def refusal(home: House, **options: str) -> str:
    """What a start is told that is refused; nothing is created."""
    with pytest.raises(ChangeRefused) as caught:
        home.session.start(runbook(), **options)
    assert () == home.session.executions()[0]
    return str(caught.value)


def test_a_start_in_a_window_under_a_ticket_is_recorded_with_both(home):
    """And the history seals it."""
    execution = home.session.start(runbook(), ticket="CHG0012345")
    home.finish()
    done, events, logs = home.session.history(execution.execution_id)
    assert done.change is not None
    assert ("CHG0012345", "mon, tue, wed, thu 22:00-05:00", None) == (
        done.change.ticket,
        done.change.window,
        done.change.overridden,
    )
    assert "CHG0012345" == events[0].facts["Change"]["Ticket"]
    assert () == faults(done, events, logs)


def test_a_start_without_the_ticket_is_refused(home):
    """What to add is said."""
    assert "a change ticket is required, and none was named. Name the ticket with --ticket." in refusal(home)


def test_a_start_outside_the_windows_is_refused_with_the_next_one(home):
    """In AWS's time, and in words that people there understand."""
    home.clock.sleep((datetime(2026, 3, 3, 9, tzinfo=UTC) - home.clock.now()).total_seconds())
    text = refusal(home, ticket="CHG1")
    assert "it is tue 2026-03-03 10:00, outside of the windows mon, tue, wed, thu 22:00-05:00" in text
    assert "Start it at 2026-03-04 01:00:00Z or later" in text


def test_a_freeze_refuses_a_start_inside_a_window(home):
    """The calendar's event is named."""
    home.clock.sleep((datetime(2026, 3, 3, 23, tzinfo=UTC) - home.clock.now()).total_seconds())
    assert "'Release 12' freezes changes until 2026-03-04 01:00:00Z" in refusal(home, ticket="CHG1")


def test_an_override_starts_it_and_is_kept_with_what_spoke_against_it(home):
    """Who, when and why."""
    execution = home.session.start(runbook(), override="the region is failing")
    change = final(home, execution).change
    assert change is not None
    assert change.overridden is not None
    assert "the region is failing" == change.overridden.reason
    assert ("a change ticket is required, and none was named",) == change.against


@pytest.mark.parametrize("nothing", ["", " ", "\t\n", "\u200b\ufeff"])
def test_nothing_is_no_reason_and_no_ticket(home, nothing):
    """An override says why; what is blank, or cannot be seen, lets nothing pass."""
    for named in ({"override": nothing}, {"ticket": nothing}, {"ticket": nothing, "override": nothing}):
        assert "a change ticket is required, and none was named" in refusal(home, **named)


def test_an_override_that_is_not_needed_is_not_recorded(home):
    """Nothing was overridden."""
    change = home.session.start(runbook(), ticket="CHG1", override="to be safe").change
    assert change is not None
    assert (None, ()) == (change.overridden, change.against)


def test_a_start_that_exists_is_found_whatever_the_hour(home):
    """A repeated start creates nothing, so nothing can be refused."""
    first = home.session.start(runbook(), key="night", ticket="CHG1")
    home.clock.sleep(12 * 3600)
    assert first.execution_id == home.session.start(runbook(), key="night").execution_id


def test_the_preview_tells_before_anybody_starts(home):
    """Allowed, or not and what then."""
    assert "NOT ALLOWED NOW: a change ticket is required" in preview_text(home.session.preview(runbook()))
    shown = preview_text(home.session.preview(runbook(), ticket="CHG1"))
    assert "Change control allows it: under ticket CHG1, window mon, tue, wed, thu 22:00-05:00" in shown


def test_an_apply_looks_at_the_calendar(home, tmp_path):
    """A file that is missing is found by daylight, not at the night's start."""
    path = tmp_path / "book.yaml"
    path.write_text(f"{BASE}change: {{freeze: freeze.ics}}\n")
    with pytest.raises(InvalidRunbook, match="No such file"):
        home.session.apply(load_runbook(path))


def test_the_ticket_rule_is_one_of_two_words():
    """For other programs."""
    assert {"optional", "required"} == {word.value for word in Ticket}
