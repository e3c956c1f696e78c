"""The list of executions in a notebook, over a source written for these tests."""

from collections import Counter
from types import SimpleNamespace

import pytest

from drskit.clock import wait_until
from drskit.errors import NotFound, Unavailable
from drskit.views import watch
from drskit.views.listing import listing, listing_parts
from tests.report import samples
from tests.views.test_listing import NOW, many


class Shelf:
    """A thousand executions, and how often they were looked at."""

    def __init__(self, **parameters):
        self.parameters = SimpleNamespace(**({"plan": "", "status": "", "execution_id": ""} | parameters))
        self.plans = ("shop",)
        self.looks = []
        self.failures = []
        self.rows = many(1000)

    def look(self, *, whole=False):
        self.looks.append(whole)
        if self.failures:
            raise self.failures.pop()

    def page(self, number=0, *, plan="", status=""):
        rows = [row for row in self.rows if status in ("", row.header.status) and plan in ("", row.header.plan_id)]
        counts = Counter(row.header.status for row in self.rows)
        return listing(rows, page=number, size=25, counts=counts, unreadable=(), now=NOW)

    def parts(self, shown, *, live):
        return ("<p>SIMULATED</p>", *listing_parts(shown, live=live))

    def board(self, execution_id):
        if execution_id not in {row.header.execution_id for row in self.rows}:
            raise NotFound(f"There is no execution {execution_id}.")
        return ("<p>SIMULATED</p>", f"<p>board of {execution_id}</p>")


@pytest.fixture
def shown(monkeypatch):
    """What was displayed."""
    found = []
    monkeypatch.setattr("IPython.display.display", found.append)
    return found


@pytest.fixture
def live(shown, monkeypatch):
    """Shows a live list that looks only when it is told to; it stops with the test."""
    monkeypatch.setattr(watch, "REFRESH_SECONDS", 3600)
    lists = []

    def make(source):
        found = watch.LiveList(source)
        found.shown()
        lists.append(found)
        until(lambda: (found.widget.parts and found.widget.buttons) or found.widget.status.count("alert"))
        return found

    yield make
    for one in lists:
        one.stop()


def until(ready):
    assert wait_until(ready, timeout_seconds=10, every_seconds=0.005)


def send(found, **message):
    found.widget._handle_custom_msg(message, [])


def text(found):
    return "".join(found.widget.parts)


def buttons(found):
    return {button["key"]: button["disabled"] for button in found.widget.buttons}


def test_a_list_shows_a_page_and_can_be_turned(live):
    """Forth and back; no further than there are pages."""
    found = live(Shelf())
    assert "page 1 of 40, 1000 executions" in text(found)
    assert {"refresh": False, "newer": True, "older": False} == buttons(found)
    send(found, do="press", key="older")
    assert "page 2 of 40" in text(found)
    send(found, do="press", key="newer")
    send(found, do="press", key="newer")
    assert "page 1 of 40" in text(found)


def test_a_press_opens_an_execution_and_leads_back(live):
    """Its board takes the place of the list."""
    found = live(Shelf())
    name = found._source.rows[999].header.execution_id
    send(found, do="press", key=f"open:{name}")
    assert f"board of {name}" in text(found)
    assert ["back", "refresh"] == list(buttons(found))
    send(found, do="press", key="back")
    assert "page 1 of 40" in text(found)


def test_an_execution_that_is_gone_is_told_and_the_list_stays(live):
    """A press does nothing in silence."""
    found = live(Shelf())
    send(found, do="press", key="open:01JNOTHERE")
    assert "There is no execution 01JNOTHERE." in found.widget.status
    assert "page 1 of 40" in text(found)


def test_the_list_can_be_filtered(live):
    """By status and plan; the page is the first again."""
    found = live(Shelf())
    send(found, do="press", key="older")
    send(found, do="choose", key="status", value="FAILED")
    assert "None of the executions fits the filter, as of" in text(found)
    send(found, do="choose", key="status", value="all")
    assert "page 1 of 40" in text(found)
    assert ["plan", "status"] == [one["key"] for one in found.widget.selects]


def test_a_look_that_fails_is_told_and_tried_again(live):
    """What was shown stays meanwhile."""
    shelf = Shelf()
    found = live(shelf)
    shelf.failures = [Unavailable("DynamoDB does not answer.")]
    send(found, do="press", key="refresh")
    until(lambda: "DynamoDB does not answer." in found.widget.status)
    assert "page 1 of 40" in text(found)
    send(found, do="press", key="refresh")
    until(lambda: "DynamoDB" not in found.widget.status)


def test_a_list_looks_again_by_itself(shown, monkeypatch):
    """Whole at first, then only at what lives."""
    monkeypatch.setattr(watch, "REFRESH_SECONDS", 0.001)
    shelf = Shelf()
    watching = watch.LiveList(shelf).shown()
    until(lambda: len(shelf.looks) > 3)
    watching.stop()
    assert [True, False, False] == shelf.looks[:3]


def test_a_list_that_is_shown_again_takes_the_place_of_the_older_one(live):
    """One thread looks."""
    older = live(Shelf())
    live(Shelf())
    assert "not refreshed any more" in older.widget.status
    send(older, do="press", key="older")
    assert "page 1 of 40" in text(older)


def test_an_execution_can_be_opened_at_once(live):
    """As the parameter says."""
    name = many(1000)[7].header.execution_id
    assert f"board of {name}" in text(live(Shelf(execution_id=name)))


def test_without_a_person_the_first_page_is_shown_once(shown):
    """One output of plain HTML, and a line for each row of it."""
    lines = []
    watch.StaticList(Shelf(), lines.append).shown()
    (output,) = shown
    assert "page 1 of 40" in output.data
    assert "data-press" not in output.data
    assert 25 == len(lines)
    lines.clear()
    watch.StaticList(Shelf(status="FAILED"), lines.append).shown()
    assert ["There is no execution to show."] == lines


def test_a_sample_is_what_the_list_is_made_of():
    """The rows of these tests are of the kind that the tables give."""
    assert samples.completed().execution.plan_id == many(1)[0].header.plan_id
