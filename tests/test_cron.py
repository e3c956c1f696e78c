"""Cron expressions and slots: what is read as what, when it is due, and that a slot is the same for whoever asks."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drskit.cron import FIELDS, local_zone, parse_cron, slot_key
from drskit.errors import InvalidInput

NOW = datetime(2026, 11, 24, 13, 37, 12, 345678, tzinfo=UTC)  # a Tuesday
ZURICH = "CRON_TZ=Europe/Zurich "


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("text", "latest", "coming"),
    [
        ("0 3 * * 1", "2026-11-23T03:00Z", "2026-11-30T03:00Z"),
        ("0 3 * * mon", "2026-11-23T03:00Z", "2026-11-30T03:00Z"),
        ("37 13 24 NOV *", "2026-11-24T13:37Z", "2027-11-24T13:37Z"),
        ("38 13 24 11 *", "2025-11-24T13:38Z", "2026-11-24T13:38Z"),
        ("*/15 9-17 * * MON-FRI", "2026-11-24T13:30Z", "2026-11-24T13:45Z"),
        ("0 0 * * 7", "2026-11-22T00:00Z", "2026-11-29T00:00Z"),
        ("0 3 1 * 1", "2026-11-23T03:00Z", "2026-11-30T03:00Z"),
        ("0 3 */2 * 1", "2026-11-23T03:00Z", "2026-12-07T03:00Z"),
        ("0 0 29 2 *", "2024-02-29T00:00Z", "2028-02-29T00:00Z"),
        ("@weekly", "2026-11-22T00:00Z", "2026-11-29T00:00Z"),
        (f"{ZURICH}0 3 * * 1", "2026-11-23T02:00Z", "2026-11-30T02:00Z"),
        (f"{ZURICH}@daily", "2026-11-23T23:00Z", "2026-11-24T23:00Z"),
    ],
)
def test_a_slot_is_the_latest_time_that_is_due(text, latest, coming):
    """At the very moment, and any time until the next."""
    cron = parse_cron(text)
    assert (at(latest), (at(coming),)) == (cron.latest(NOW), cron.upcoming(NOW, 1))
    assert at(latest) == cron.latest(at(latest)) == cron.latest(at(coming) - timedelta(microseconds=1))
    assert at(coming) == cron.latest(at(coming))


@pytest.mark.parametrize(
    ("now", "slot"),
    [
        ("2026-03-29T00:59Z", "2026-03-28T01:30Z"),  # there is no half past two that night: it is due at three
        ("2026-03-29T01:00Z", "2026-03-29T01:00Z"),
        ("2026-10-25T00:29Z", "2026-10-24T00:30Z"),
        ("2026-10-25T00:30Z", "2026-10-25T00:30Z"),  # half past two comes twice that night: it is due the first time
        ("2026-10-25T01:10Z", "2026-10-25T00:30Z"),
        ("2026-10-25T01:40Z", "2026-10-25T00:30Z"),
        ("2026-10-26T01:29Z", "2026-10-25T00:30Z"),
    ],
)
def test_a_night_in_which_the_clocks_change_has_one_slot(now, slot):
    """Summer time begins and ends in the middle of the hour that is asked for."""
    assert at(slot) == parse_cron(f"{ZURICH}30 2 * * *").latest(at(now))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "its fields are 0. Write five fields"),
        ("0 3 * *", "its fields are 4. Write five fields"),
        ("0 0 3 * * 1", "its fields are 6."),
        ("@reboot", "its fields are 1."),
        ("60 3 * * *", "'60' is no minute, which is 0 to 59"),
        ("0 24 * * *", "'24' is no hour, which is 0 to 23"),
        ("0 3 0 * *", "'0' is no day of month, which is 1 to 31"),
        ("0 3 * FOO *", "'FOO' is no month, which is 1 to 12 or JAN to DEC"),
        ("0 3 * * 8", "'8' is no day of week, which is 0 to 7 or SUN to SAT"),
        ("0 3 ? * MON", "'?' is no day of month"),
        ("0 3 L * *", "'L' is no day of month"),
        ("0 3 * * MON#1", "'MON#1' is no day of week"),
        ("5/15 * * * *", "'5/15' is no minute"),
        ("*/0 * * * *", "'*/0' is no minute"),
        ("9-5 * * * *", "'9-5' is no minute"),
        ("1,,2 * * * *", "'' is no minute"),
        ("\u0663 3 * * *", "is no minute"),
        ("0 3 31 2 *", "is never due: no month of it has such a day"),
        ("CRON_TZ=Mars/Olympus 0 3 * * *", "'Mars/Olympus' is no time zone"),
        ("CRON_TZ=../../etc/passwd 0 3 * * *", "is no time zone"),
        ("CRON_TZ= 0 3 * * *", "is no time zone"),
        ("2026-13-01T00:00:00Z", "is no time: month must be in 1..12"),
        ("2026-03-02T03:00:00", "does not say in which time zone. End it in Z"),
    ],
)
def test_what_is_no_slot_is_refused(text, words):
    """With the part that is wrong and what may stand there."""
    with pytest.raises(InvalidInput, match=re.escape(words)):
        slot_key(text, NOW, UTC)


def test_a_slot_is_one_key_however_it_is_said():
    """As a time with any offset, by EventBridge or Airflow, or as the expression, by cron."""
    said = [
        "2026-11-23T02:00:00Z",
        "2026-11-23T03:00:00+01:00",
        "2026-11-23T02:00:00.000000+00:00",
        f"{ZURICH}0 3 * * 1",
    ]
    assert {"2026-11-23T02:00:00Z"} == {slot_key(text, NOW, UTC) for text in said}
    assert "2026-11-23T02:00:00Z" == slot_key("0 3 * * 1", NOW, ZoneInfo("Europe/Zurich"))


def test_an_expression_can_be_written_so_that_every_cron_reads_it():
    """Numbers for names, and its zone before it."""
    cron = parse_cron("5,10-20/5 3 * jan-mar MON,Fri", zone_name="Europe/Zurich")
    assert "CRON_TZ=Europe/Zurich 5,10-20/5 3 * 1-3 1,5" == cron.whole
    assert cron == parse_cron(cron.whole)
    assert "0 3 * * *" == parse_cron("0 3 * * *").whole


def test_the_zone_of_the_machine_is_what_tz_says_else_its_own(tmp_path):
    """As cron has it."""
    assert ZoneInfo("Asia/Tokyo") == local_zone("Asia/Tokyo") == local_zone(":Asia/Tokyo")
    assert local_zone(None) is not None
    with pytest.raises(InvalidInput, match="'JST-9' is no time zone"):
        local_zone("JST-9")


@st.composite
def expressions(draw: st.DrawFn) -> str:
    """Expressions that are due at least each year; with all that a field can hold."""
    words = []
    for field in FIELDS:
        most = min(field.most, 28)
        number = st.integers(field.least, most)
        first = draw(number)
        last = draw(st.integers(first, most))
        step = draw(st.integers(1, 9))
        words.append(draw(st.sampled_from(["*", f"*/{step}", str(first), f"{first},{last}", f"{first}-{last}/{step}"])))
    return " ".join(words)


MOMENTS = st.integers(0, 366 * 86_400).map(
    lambda seconds: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
)


@given(expressions(), MOMENTS)
def test_the_latest_and_the_next_time_leave_no_gap(text, now):
    """Any expression, any moment: both are due, nothing between them is, and all that is due fits every field."""
    cron = parse_cron(text)
    latest, (coming, after) = cron.latest(now), cron.upcoming(now, 2)
    assert latest <= now < coming < after
    assert (coming,) == cron.upcoming(latest, 1)
    for time in (latest, coming):
        by_date, by_week = time.day in cron.days, (time.weekday() + 1) % 7 in cron.weekdays
        assert by_date or by_week if cron.either else by_date and by_week
        assert time.minute in cron.minutes
        assert time.hour in cron.hours
        assert time.month in cron.months
