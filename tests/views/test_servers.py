"""Rows of source servers, their filter and their looks."""

import re

from drskit.recoverable import Facts
from drskit.views.servers import known_tags, line_text, matching, server_lines, summary_html, table_html, troubles_html
from tests.builders import START, sid, source

HOSTILE = "<script>alert(1)</script>\u202e\x1b[31m"


def lines(*servers, members=None):
    return server_lines(servers, members or {}, Facts(START))


def names(found):
    return [line.name for line in found]


def test_unprotected_servers_come_first_then_those_that_cannot_be_recovered():
    """Then by name."""
    servers = (
        source(1, name="b"), source(2, name="a"), source(3, name="c", replication_state="STOPPED"),
        source(4, name="d", replication_state="STOPPED"),
    )  # fmt: skip
    assert ["d", "b", "c", "a"] == names(lines(*servers, members={sid(3): ["shop.x"], sid(2): ["shop.x"]}))


def test_a_filter_takes_tags_and_words_and_all_must_fit():
    """A tag by its whole value, a word by any part of a name, an id or a tag's value."""
    found = lines(
        source(1, name="web-1", tags={"Tier": "web", "App": "shop"}), source(2, name="db", tags={"Tier": "db"})
    )
    assert ["web-1"] == names(matching(found, "Tier=web, SHOP"))
    assert [] == names(matching(found, "Tier=we"))
    assert ["db"] == names(matching(found, sid(2)))
    assert names(found) == names(matching(found, " , "))


def test_the_columns_share_the_width_by_what_stands_in_them():
    """JupyterLab would make them equal, and break the longest, the ids."""
    widths = [int(width) for width in re.findall(r";width:(\d+)%\">", table_html(lines(source(1))))]
    assert (100, widths[0]) == (sum(widths), max(widths))


def test_tags_that_several_servers_have_are_offered():
    """Others name one server only."""
    found = lines(source(1, tags={"Tier": "web", "Name": "a"}), source(2, tags={"Tier": "web", "Name": "b"}))
    assert ("Tier=web",) == known_tags(found)


def test_hostile_names_are_harmless_everywhere():
    """In HTML and in text."""
    found = lines(source(1, name=HOSTILE, replication_state="STOPPED", replication_error=HOSTILE))
    for html in (table_html(found), troubles_html(found), summary_html(found, 1)):
        assert "<script>" not in html
        assert "\u202e" not in html
    assert "\x1b" not in line_text(found[0])


def test_a_reason_that_many_have_is_told_once():
    """With its servers and its remedy; nothing is told of servers that have none."""
    found = lines(*(source(number, replication_state="STOPPED") for number in range(12)))
    html = troubles_html(found)
    assert 1 == html.count("its replication is STOPPED")
    assert "and 4 more" in html
    assert "nothing stands in the way" in troubles_html(lines(source(1)))


def test_hundreds_of_servers_fold():
    """The page stays one that can be read; nobody is left out."""
    html = table_html(lines(*(source(number) for number in range(300))))
    assert (101, 300) == (
        html.count("<tr>"),
        sum(html.count(f">{sid(n)}<") + html.count(f"({sid(n)})") for n in range(300)),
    )
