"""Tables on a narrow screen."""

from drskit.views.board import boxed
from drskit.views.narrow import reflowing
from drskit.views.tables import table
from tests.report.pages import Page, untrusted

HEADS = ("Wave", "Verdict", "RTO target")


def test_every_cell_but_the_first_stands_behind_the_head_of_its_column():
    """The first names the row; the rules hold in a narrow window only."""
    html = boxed([table("Waves", HEADS, [("Database", "met", "20 min")])])
    _, rules = html.split("<style>")
    assert rules.startswith("@media (max-width: 700px)")
    assert [
        ':nth-child(2)::before { content: "Verdict: "; }',
        ':nth-child(3)::before { content: "RTO target: "; }',
    ] == [line.partition("> tr > ")[2] for line in rules.splitlines() if "content:" in line]


def test_tables_with_other_heads_have_other_labels_and_alike_ones_share_them():
    """Two kinds of table, three tables, two kinds of class, one style element."""
    one, other = table("A", HEADS, [("a", "b", "c")]), table("B", ("Server", "Why"), [("a", "b")])
    page = Page(reflowing(one + other + one))
    classes = [attributes["class"] for attributes in page.named("table")]
    assert (classes[0], 2, 1) == (classes[2], len(set(classes)), len(page.named("style")))


def test_a_head_from_outside_cannot_leave_its_string():
    """The columns of a DataFrame are anybody's."""
    html = reflowing(table("A", ("Wave", '"}</style><script>'), [("a", "b")]))
    assert ([], []) == (Page(html).harmful, Page(html).open)
    rules = html.split("<style>")[1]
    assert 'content: "\\22 \\7d \\3c \\2f style\\3e \\3c script\\3e : "' in rules


def test_a_table_keeps_its_own_class():
    """Those of a report have one."""
    html = reflowing(
        '<table class="servers"><caption>a</caption><thead><tr><th scope="col">A</th></tr></thead></table>'
    )
    (attributes,) = Page(html).named("table")
    assert ("drs-rows", "servers") == (attributes["class"].split()[0], attributes["class"].split()[-1])


def test_what_has_no_heads_and_what_was_done_already_stays_as_it_is():
    """A picture made of a table is none of rows."""
    done = reflowing(table("A", HEADS, [("a", "b", "c")]))
    assert (done, "<table style=x><tr></tr></table>") == (
        reflowing(done),
        reflowing("<table style=x><tr></tr></table>"),
    )


def test_without_the_style_element_nothing_is_lost():
    """As in a notebook that is not trusted: the table scrolls inside."""
    html = table("A", HEADS, [("a", "b", "c")])
    assert html == untrusted(reflowing(html))
