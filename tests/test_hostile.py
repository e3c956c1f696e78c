"""Whatever servers, tags, errors, reasons and plans are called, nobody is harmed who reads about them.

One drill runs for real through boto3 and the simulator, its servers named after every attack below; a second
execution is made by hand, where AWS's own words are attacks, too. Both go through every renderer that there is, and
what comes out is judged by what a browser, a terminal, a spreadsheet or a Markdown renderer would make of it.
"""

import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from nbconvert.filters.markdown import markdown2html

from drskit.model import CommandKind, Execution, Phase
from drskit.report.comparison import comparison_text, render_comparison
from drskit.report.csv import FORMULA
from drskit.report.evidence import Evidence, load_execution_json, summary_of, write_run
from drskit.report.export import render
from drskit.report.figures import figures_of
from drskit.report.inline import render_criteria, render_head, render_timeline
from drskit.reporting import open_report
from drskit.surroundings import surroundings
from drskit.views.board import render_board
from drskit.views.cleanups import preview_text as cleanup_text
from drskit.views.frames import servers_frame, waves_frame
from drskit.views.preview import preview_parts, preview_text
from drskit.views.rows import board_of
from drskit.views.text import board_text, commands_text, event_line, headline
from tests.cli.plans import QUICK
from tests.harness import house, runbook_of
from tests.report import samples
from tests.report.pages import Page
from tests.sim.lab import server_id

NO_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")
FORGED = "FORGED"
"""Begins what would be a line, a heading or an attribute of the attacker's own, if it could."""
CORPUS = {
    "a script": "<script>alert(1)</script>",
    "an image": '"><img src=x onerror=alert(1)>',
    "an attribute": "' autofocus onfocus=alert(1) x='",
    "the end of a style": "</style></title></textarea><style>*{display:none}</style>",
    "an entity": "&lt;script&gt;&#60;img src=x&#62;",
    "a template": "{{7*7}}{% raw %}${7*7}",
    "Markdown": f"](javascript:alert(1)) ![x](http://evil.example/x.png) **{FORGED}** `</code>` | a | b |",
    "a link": "http://evil.example www.evil.example <http://evil.example> mail@evil.example",
    "a heading": f"x\n\n# {FORGED}\n\n| {FORGED} | x |\n| --- | --- |\n",
    "lines": f"x\r\n{FORGED} line\r{FORGED}\u2028{FORGED}\u2029{FORGED}\x0b{FORGED}\x0c{FORGED}\x85{FORGED}",
    "a terminal": "\x1b[2J\x1b[31m\x1b]0;owned\x07\x1b]8;;http://evil.example\x07x\x9b31m\x07",
    "directions": "\u202egnp.exe\u2066x\u2069\u200e\u200f\u061c",
    "invisible": "a\u200bb\ufeffc\u00add\U000e0041e",
    "a formula": '=HYPERLINK("http://evil.example","x")',
    "another formula": "@SUM(1+1)*cmd|' /C calc'!A0",
    "a formula behind blanks": "\t =1+1",
    "a path": "../../../../etc/passwd",
    "another path": "C:\\Windows\\System32\\..\\x",
    "a shell": "$(reboot); `reboot` && rm -rf / #",
    "control characters": "".join(map(chr, [*range(1, 9), *range(14, 32), *range(127, 160)])),
    "very long": "A" * 5_000,
}
HIDES = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e007f]"
)
"""What steers a terminal, turns the reading direction or cannot be seen."""


@dataclass(frozen=True)
class Story:
    """An execution under attack, with what else is shown of it."""

    evidence: Evidence
    previews: tuple[str, ...] = ()
    """HTML of what a start would do."""
    texts: tuple[str, ...] = ()
    """What terminals were shown of it."""

    @property
    def execution(self) -> Execution:
        return self.evidence.execution

    @property
    def now(self) -> Any:
        return summary_of(self.evidence).made_at


def name_of(attack: str) -> str:
    """As a tag of EC2 can hold it: 256 characters at most, and none that XML cannot carry."""
    return NO_XML.sub("", attack)[:256]


def world() -> str:
    """A server for every attack, named after it; every third one fails."""
    servers = [
        {
            "id": server_id(number),
            "name": name_of(attack),
            "tags": {"Role": "hostile", "Note": name_of(attack)},
            "durations": dict(QUICK),
            **({"fails": "launch-denied"} if number % 3 == 0 else {}),
        }
        for number, attack in enumerate(CORPUS.values(), 1)
    ]
    return yaml.safe_dump({"region": "us-west-2", "start": "2026-03-02T09:00:00Z", "servers": servers})


def runbook() -> str:
    """A plan whose every free text is all attacks that YAML and drskit take."""
    text = " ".join(attack[:200] for attack in CORPUS.values())
    wave = {"name": "Hostile", "groups": ["all"], "approve": text[:480], "max_failed": 99}
    return yaml.safe_dump(
        {
            "version": 1,
            "plan": "hostile",
            "description": text,
            "owners": {"business": text[:500]},
            "procedure": text[:500],
            "targets": {"rto": "PT1H", "rpo": "PT1H"},
            "sites": {"main": {"region": "us-west-2"}},
            "groups": {"all": {"select": {"tags": {"Role": "hostile"}}}},
            "waves": [wave],
        }
    )


@pytest.fixture(scope="module")
def drilled() -> Story:
    """The drill that ran."""
    plan = runbook_of(runbook())
    reason = " ".join(attack[:100] for attack in CORPUS.values())
    with house(text=world()) as home:
        preview = home.session.preview(plan)
        execution_id = home.session.start(plan).execution_id
        home.finish(approve=False)
        home.session.command(execution_id, CommandKind.APPROVE, reason=reason)
        home.finish()
        found = home.session.history(execution_id)
        cleanup = home.session.cleanup_preview(execution_id)
        context = surroundings(home.session, found[0], home.clock.now())
        texts = (preview_text(preview), cleanup_text(cleanup, home.clock.now()))
        return Story(Evidence(*found, context=context), preview_parts(preview), texts)


@pytest.fixture(scope="module")
def by_hand() -> Story:
    """AWS's own words are attacks, too: errors, job logs, instances, events, and what stands beside the execution."""
    sample = samples.hostile()
    text = " ".join(attack[:300] for attack in CORPUS.values())
    waves = tuple(
        wave.model_copy(
            update={
                "wave_name": text,
                "reason": text,
                "servers": tuple(
                    server.model_copy(update={"name": text, "error": text, "recovery_instance_id": text, "proof": text})
                    for server in wave.servers
                ),
            }
        )
        for wave in sample.execution.waves
    )
    execution = sample.execution.model_copy(update={"waves": waves[:1], "started_by": text, "region": text[:300]})
    context = samples.beside(sample)
    note = context.cleanups[0].model_copy(update={"reason": text, "started_by": text, "remaining": (text,)})
    applied = context.applied.model_copy(update={"applied_by": text}) if context.applied else None
    last = context.last.model_copy(update={"execution_id": text}) if context.last else None
    changes = {"cleanups": (note,), "applied": applied, "last": last, "versions": {text: text}, "trouble": text}
    return Story(Evidence(execution, sample.events, sample.logs, context=context.model_copy(update=changes)))


@pytest.fixture(params=["drilled", "by_hand"])
def story(request) -> Story:
    """Each of them."""
    found: Story = request.getfixturevalue(request.param)
    return found


# --- browsers --------------------------------------------------------------------------------------------------------

HTML: dict[str, Callable[[Story], str]] = {
    "report": lambda story: render(story.evidence, "html").decode(),
    "board": lambda story: render_board(story.execution, story.now),
    "head": lambda story: render_head(summary_of(story.evidence)),
    "timeline": lambda story: render_timeline(summary_of(story.evidence)),
    "criteria": lambda story: render_criteria(summary_of(story.evidence)),
    "comparison": lambda story: render_comparison([figures_of(story.execution, story.now)], "x"),
    "preview": lambda story: "".join(story.previews),
    "servers": lambda story: servers_frame(story.execution)._repr_html_(),
    "waves": lambda story: waves_frame(story.execution)._repr_html_(),
}


@pytest.mark.parametrize("name", HTML)
def test_a_browser_runs_and_fetches_nothing(story, name):
    """No element, attribute or address of the attacker's; every element that opens is closed."""
    page = Page(HTML[name](story))
    styles = {"report": 1}.get(name, 0) + (2 if name in {"servers", "waves"} and page.named("style") else 0)
    assert ([], []) == (page.harmful, page.open)
    assert len(page.named("style")) <= max(styles, 1)
    assert [] == [attributes for _, attributes in page.elements if any("alert" in key for key in attributes)]


@pytest.mark.parametrize("name", [name for name in HTML if name not in {"servers", "waves"}])
def test_nothing_on_a_page_hides_or_turns_text(story, name):
    """Pandas shows what it is given; all else is cleared of what cannot be seen."""
    assert None is HIDES.search(HTML[name](story))


@pytest.mark.parametrize("name", [name for name in HTML if name not in {"preview", "waves"}])
def test_the_names_can_still_be_read(drilled, name):
    """Harmless, and not lost: a script's name is its text."""
    if name in {"comparison", "head", "timeline"}:  # these name no server, or shorten in the browser
        return
    assert "<script>alert(1)</script>" in Page(HTML[name](drilled)).text


# --- terminals and logs ----------------------------------------------------------------------------------------------

TEXTS: dict[str, Callable[[Story], str]] = {
    "board": lambda story: board_text(story.execution, story.now),
    "headline": lambda story: headline(board_of(story.execution, story.now)),
    "commands": lambda story: commands_text(story.execution),
    "events": lambda story: "\n".join(map(event_line, story.evidence.events)),
    "comparison": lambda story: comparison_text([figures_of(story.execution, story.now)]),
    "previews": lambda story: "\n".join(story.texts),
}


@pytest.mark.parametrize("name", TEXTS)
def test_a_terminal_is_not_steered_and_no_line_is_forged(story, name):
    """No escape, no turned text, and no line that begins as the attacker wishes."""
    text = TEXTS[name](story)
    assert None is HIDES.search(text)
    assert [] == [line for line in text.splitlines() if line.lstrip(" |#").startswith(FORGED)]


def test_one_event_is_one_line(story):
    """However many lines a reason has."""
    assert {1} == {len(event_line(event).splitlines()) for event in story.evidence.events}


# --- spreadsheets, Markdown, programs --------------------------------------------------------------------------------


def test_a_spreadsheet_calculates_nothing_and_has_a_row_a_server(story):
    """Also behind blanks."""
    text = render(story.evidence, "csv").decode()
    rows = list(csv.reader(io.StringIO(text)))
    assert 1 + sum(len(wave.servers) for wave in story.execution.waves) == len(rows)
    assert {len(rows[0])} == {len(row) for row in rows}
    assert [] == [cell for row in rows for cell in row if cell.lstrip().startswith(FORMULA)]
    assert None is HIDES.search(text)


def test_markdown_shows_text_and_nothing_else(story):
    """Rendered as Jupyter does, with HTML let through: no link, image, heading, table or emphasis of the attacker's."""
    text = render(story.evidence, "md").decode()
    assert None is HIDES.search(text)
    page = Page(re.sub(r'<a class="anchor-link" href="#[^"]*">&#182;</a>', "", markdown2html(text)))
    assert [] == page.harmful
    assert [] == [line for line in text.splitlines() if re.match(rf"[#| ]*{FORGED}", line)]
    marked = re.findall(r"<(?:strong|em|h\d|code)[^>]*>([^<]*)", markdown2html(text))
    assert [] == [found for found in marked if FORGED in found]


def test_json_comes_back_as_it_went_and_is_printable_ascii(story):
    """Nothing in it steers whatever shows it."""
    raw = render(story.evidence, "json")
    assert re.fullmatch(rb"[\x20-\x7e\n]*", raw)
    names = [server["Name"] for wave in json.loads(raw)["Waves"] for server in wave["Servers"]]
    assert [server.name for wave in story.execution.waves for server in wave.servers] == names


# --- notebooks and files ---------------------------------------------------------------------------------------------


@pytest.fixture
def parts(drilled: Story, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """Every output of notebook 05 over the drill's run."""
    evidence = drilled.evidence
    written = write_run(
        tmp_path / "runs", evidence.execution, evidence.events, evidence.logs, now=drilled.now, context=evidence.context
    )  # fmt: skip
    monkeypatch.setenv("DRSKIT_UI", "static")
    report = open_report(run=str(written.folder))
    names = ("head", "timeline", "criteria", "comparison", "evidence", "export")
    yield {name: getattr(report, name)() for name in names}
    report.raise_for_status()


def test_the_outputs_of_the_report_notebook_are_harmless(parts):
    """As HTML and as text in a log."""
    for part in parts.values():
        page = Page(part._repr_html_())
        assert {"a href"} >= set(page.harmful)
        assert page.harmful.count("a href") == sum(link.get("target") == "_blank" for link in page.named("a"))
        assert None is HIDES.search(part._repr_html_() + repr(part))


def test_nothing_is_written_outside_the_runs_folder(parts, tmp_path):
    """Paths in names are names."""
    (folder,) = (tmp_path / "runs").iterdir()
    files = {path.name for path in folder.iterdir()}
    assert {"execution.json", "context.json", "report.html", "report.md", "report.json", "report.csv"} == files
    assert ["runs"] == [path.name for path in tmp_path.iterdir()]
    assert load_execution_json(folder).execution.execution_id == folder.name


def test_the_attacks_were_all_made(drilled):
    """Every attack is a server's name; some failed and some came up; the approval's reason is kept."""
    names = {server.name for wave in drilled.execution.waves for server in wave.servers}
    assert {name_of(attack) for attack in CORPUS.values()} == names
    phases = {span.phase for wave in drilled.execution.waves for server in wave.servers for span in server.phases}
    assert Phase.LAUNCH in phases
    assert drilled.execution.end_time - drilled.execution.start_time > timedelta()
    assert "<script>" in drilled.execution.commands[0].reason
