"""Cron expressions in the words of systemd, AWS and Jupyter Scheduler: the same times, or a refusal."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice

import pytest
from croniter import croniter as jupyters
from hypothesis import given, settings

from drskit.calendars import aws_cron, croniter, on_calendar
from drskit.cron import Cron, parse_cron
from drskit.errors import InvalidInput
from tests.test_cron import expressions

START = datetime(2026, 1, 1, tzinfo=UTC)
SYSTEMD = shutil.which("systemd-analyze")
WEEK = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")


@pytest.mark.parametrize(
    ("text", "systemd", "aws"),
    [
        ("0 3 * * 1", ["Mon *-*-* 03:00:00"], "cron(0 3 ? * MON *)"),
        ("0 3 * * 0,6", ["Sat,Sun *-*-* 03:00:00"], "cron(0 3 ? * SUN,SAT *)"),
        ("0 3 * * 5-7", ["Fri..Sun *-*-* 03:00:00"], "cron(0 3 ? * SUN,FRI,SAT *)"),
        ("0 3 * * MON-FRI", ["Mon..Fri *-*-* 03:00:00"], "cron(0 3 ? * MON-FRI *)"),
        ("0 3 1,15 * *", ["*-*-01,15 03:00:00"], "cron(0 3 1,15 * ? *)"),
        ("*/15 */6 * * *", ["*-*-* 00/6:00/15:00"], "cron(0/15 0/6 * * ? *)"),
        ("5-59/10 1-3,20 * 1-3 *", ["*-01..03-* 01..03,20:05/10:00"], "cron(5/10 1-3,20 * 1-3 ? *)"),
        ("10-30/10 3 * * *", ["*-*-* 03:10,20,30:00"], "cron(10,20,30 3 * * ? *)"),
        ("0 3 1 * 1", ["Mon *-*-* 03:00:00", "*-*-01 03:00:00"], None),
        ("0 3 */2 * 1", ["Mon *-*-01/2 03:00:00"], None),
        ("0 3 1-31 * 1", ["*-*-* 03:00:00"], "cron(0 3 * * ? *)"),
        ("CRON_TZ=Europe/Zurich 0 3 * * 1", ["Mon *-*-* 03:00:00 Europe/Zurich"], "cron(0 3 ? * MON *)"),
    ],
)
def test_an_expression_in_the_words_of_others(text, systemd, aws):
    """AWS's week begins on Sunday, systemd's on Monday, and in AWS one field of days is a question mark."""
    cron = parse_cron(text)
    assert tuple(systemd) == on_calendar(cron)
    assert aws == (aws_cron(cron) if aws else None)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("0 3 1 * 1", "Make two schedules: '0 3 1 * *' and '0 3 * * 1'; what is due on both is one drill."),
        ("0 3 */2 * 1", "needs the day of the month and the day of the week at once, and EventBridge takes one"),
    ],
)
def test_what_aws_has_no_words_for_is_refused(text, words):
    """With the reason, and the way out."""
    with pytest.raises(InvalidInput, match=re.escape(words)):
        aws_cron(parse_cron(text))


def test_jupyter_scheduler_takes_two_fields_of_days_for_alternatives():
    """So cron's rule that a star makes both necessary cannot be said to it."""
    with pytest.raises(InvalidInput, match="Jupyter Scheduler takes them for alternatives"):
        croniter(parse_cron("0 3 */2 * 1"))
    assert "0 3 1 * 1" == croniter(parse_cron("0 3 1 * MON"))


def aws_times(text: str) -> Iterator[datetime]:
    """The times of an AWS expression, read by the rules of its documentation and by nothing of drskit's."""
    found = re.fullmatch(r"cron\((\S+) (\S+) (\S+) (\S+) (\S+) \*\)", text)
    assert found, text
    minutes, hours, days, months, week = found.groups()
    assert "?" in {days, week}
    for number in range(4000):
        day = START + timedelta(days=number)
        if aws_fits(days, day.day, 31) and aws_fits(months, day.month, 12) and aws_fits(week, day.isoweekday() % 7, 6):
            for hour in range(24):
                if aws_fits(hours, hour, 23):
                    for minute in range(60):
                        if aws_fits(minutes, minute, 59):
                            yield day + timedelta(hours=hour, minutes=minute)


def aws_fits(field: str, value: int, most: int) -> bool:
    """Whether a field of AWS's allows a value."""
    if field in {"*", "?"}:
        return True
    for part in field.split(","):
        words = [str(WEEK.index(word)) if word in WEEK else word for word in re.split(r"([-/])", part)]
        numbers = [int(word) for word in words[::2]]
        if len(words) == 1 and numbers[0] == value:
            return True
        if len(words) == 3 and words[1] == "-" and numbers[0] <= value <= numbers[1]:
            return True
        if (
            len(words) == 3
            and words[1] == "/"
            and numbers[0] <= value <= most
            and (value - numbers[0]) % numbers[1] == 0
        ):
            return True
    return False


def said(cron: Cron, word: object) -> str | None:
    """The expression in another's words; None when it is refused."""
    try:
        return word(cron)  # type: ignore[operator, no-any-return]
    except InvalidInput:
        return None


@settings(max_examples=300)
@given(expressions())
def test_aws_and_jupyter_mean_the_same_times(text):
    """Any expression that is not refused."""
    cron = parse_cron(text)
    times = cron.upcoming(START - timedelta(seconds=1), 5)
    in_aws, in_jupyter = said(cron, aws_cron), said(cron, croniter)
    if in_aws:
        assert times == tuple(islice(aws_times(in_aws), 5)), in_aws
    if in_jupyter:
        other = jupyters(in_jupyter, START - timedelta(seconds=1))
        assert times == tuple(other.get_next(datetime) for _ in range(5)), in_jupyter


@pytest.mark.skipif(SYSTEMD is None, reason="there is no systemd on this machine to ask")
@settings(max_examples=100)
@given(expressions())
def test_systemd_means_the_same_times(text):
    """Any expression; where a day can fit in two ways, the times of both lines together."""
    cron = parse_cron(text, zone_name="UTC")
    found: set[datetime] = set()
    for line in on_calendar(cron):
        words = ["calendar", "--iterations=5", "--base-time=2025-12-31 23:59:59 UTC", line]
        told = subprocess.run(
            [str(SYSTEMD), *words], capture_output=True, text=True, check=True, env={"TZ": "UTC"}
        ).stdout
        times = re.findall(r"(?:Next elapse|Iter\. #\d+): \w+ (\S+ \S+) UTC", told)
        found |= {datetime.fromisoformat(time).replace(tzinfo=UTC) for time in times}
    assert cron.upcoming(START - timedelta(seconds=1), 5) == tuple(sorted(found)[:5])
