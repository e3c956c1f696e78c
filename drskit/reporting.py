"""The report of one execution, as a notebook sees it.

The notebook's cells are one call each: open, look, compare, export, judge. A
report is made of a run's folder or of the tables; where nothing is named and
nothing was drilled yet, simulated drills are made first. Only wrong parameters
raise when it is opened: what else is missing is shown in each cell's place, and
raised by the last.
"""

from collections.abc import Callable
from html import escape
from pathlib import Path

from pydantic import ValidationError

from drskit.errors import DrskitError, InvalidInput
from drskit.headless import run_mark
from drskit.model import ExecutionType
from drskit.notebook import person_is_there
from drskit.report.comparison import comparison_text, render_comparison
from drskit.report.evidence import EVIDENCE, REPORT, report_made_again, run_folder, write_file, write_run
from drskit.report.export import render
from drskit.report.figures import DrillFigures
from drskit.report.inline import render_criteria, render_head, render_timeline
from drskit.report.summary import Summary, labels_of
from drskit.session import Session
from drskit.surroundings import versions
from drskit.verify import compared, faults, first_altered, unsealed
from drskit.views.board import boxed, filled, text_of
from drskit.views.words import Tone, plain, span
from drskit.whereabouts import FORMATS, Found, ReportParameters, find, from_folder, from_tables, runs_of

WRAP = ' style="overflow-wrap:anywhere"'


class Shown:
    """A part of a report: HTML in a notebook, a few words in a log."""

    def __init__(self, html: str, words: str, mark: dict[str, object] | None = None) -> None:
        self._html = html
        self._words = words
        self._mark = mark or {}

    def _repr_mimebundle_(self, **_: object) -> dict[str, object]:
        """What is for programs: the run that was written, if any."""
        return self._mark

    def __repr__(self) -> str:
        return self._words

    def _repr_html_(self) -> str:
        return self._html


def open_report(**parameters: object) -> "Report":
    """Find the execution to report, or make one in a simulated world.

    Raises:
        InvalidInput: a parameter is unknown or not valid.
    """
    try:
        wanted = ReportParameters.model_validate(parameters)
    except ValidationError as error:
        told = [f"{'.'.join(map(str, fault['loc']))} = {fault['input']!r}: {fault['msg']}" for fault in error.errors()]
        raise InvalidInput(f"The notebook's parameters are not valid: {'; '.join(told)}.") from error
    if not wanted.simulate and (wanted.world or wanted.speed):
        raise InvalidInput("world and speed are for simulated drills. Leave them out, or set simulate = True.")
    return Report(wanted)


class Report:
    """One execution's report, and the drills of its plan."""

    def __init__(self, parameters: ReportParameters) -> None:
        self.parameters = parameters
        self._found: Found | None = None
        self._trouble: DrskitError | None = None
        """What kept it from being found."""
        self._failed: list[str] = []
        """What else could not be shown or written."""
        try:
            self._found = find(parameters)
        except DrskitError as error:  # the last cell raises, no other
            self._trouble = error

    def __repr__(self) -> str:
        if self._found is None:
            return f"Nothing to report: {self._trouble}"
        execution = self._found.evidence.execution
        where = self._found.folder or "the tables"
        return (
            f"{execution.mode} {execution.execution_type} {execution.execution_id} of {execution.plan_id}, from {where}"
        )

    def head(self) -> Shown:
        """The verdict, and target and actual of plan and waves."""
        return self._show(lambda found: Shown(render_head(found.summary), plain(found.summary.verdict)))

    def timeline(self) -> Shown:
        """Every wave and server over time, and what determined the end."""
        return self._show(lambda found: Shown(render_timeline(found.summary), _path_text(found.summary)))

    def criteria(self) -> Shown:
        """What was to be proven, what failed, what was not tested, and what is to be followed up."""

        def shown(found: Found) -> Shown:
            open_ones = [f"{one.of}: {one.what}" for one in found.summary.deviations]
            words = "\n".join(map(plain, open_ones)) or "Nothing deviated from what was set before the run."
            return Shown(render_criteria(found.summary), words)

        return self._show(shown)

    def comparison(self) -> Shown:
        """The drills of the plan over time."""

        def shown(found: Found) -> Shown:
            drills, unread = self._drills(found)
            note = "".join(f'<p style="margin:3px 0">{text_of(line)}</p>' for line in unread)
            html = render_comparison(drills, found.evidence.execution.execution_id)
            return Shown(html + note, "\n".join([comparison_text(drills), *unread]))

        return self._show(shown)

    def evidence(self) -> Shown:
        """Whether the history is whole, and what the tables say of it."""
        return self._show(self._verified)

    def export(self) -> Shown:
        """Write the report as files; in front of a person with a button for each format."""
        return self._show(self._exported)

    def raise_for_status(self) -> None:
        """Say that all was shown that was asked for; for the notebook's last cell.

        What became of the drill is the report's to say, and no error here.

        Raises:
            DrskitError: what kept the execution from being found.
            InvalidInput: the evidence was changed, or a file could not be written.
        """
        if self._trouble is not None:
            raise self._trouble
        if self._failed:
            raise InvalidInput("\n".join(self._failed))

    # --- how ---------------------------------------------------------------------------------------------------------

    def _show(self, make: Callable[[Found], Shown]) -> Shown:
        if self._found is None:
            words = f"Nothing to report: {self._trouble}"
            return Shown(boxed([f"<p{WRAP}>{filled('✖', Tone.BAD)} {text_of(words, 2000)}</p>"]), words)
        try:
            return make(self._found)
        except (DrskitError, OSError) as error:  # the last cell raises, no other
            self._failed.append(str(error))
            return Shown(boxed([f"<p{WRAP}>{filled('✖', Tone.BAD)} {text_of(str(error), 2000)}</p>"]), str(error))

    def _drills(self, found: Found) -> tuple[tuple[DrillFigures, ...], list[str]]:
        """The plan's drills, from the tables and from the runs beside this one; and what could not be read."""
        wanted, plan_id = self.parameters.compare, found.evidence.execution.plan_id
        known: dict[str, DrillFigures] = {}
        unread: list[str] = []
        if found.evidence.execution.execution_type is ExecutionType.DRILL:
            known[found.summary.execution_id] = found.summary.figures
        last = found.summary.context.last
        if last is not None:
            known.setdefault(last.execution_id, last)
        if found.session is not None:
            known |= {drill.execution_id: drill for drill in from_tables(found.session, plan_id, wanted, unread)}
        for drill in from_folder(runs_of(found, self.parameters), plan_id, wanted, unread):
            known.setdefault(drill.execution_id, drill)
        newest = sorted(known.values(), key=lambda drill: (drill.start_time, drill.execution_id))[-wanted:]
        return tuple(newest), unread

    def _verified(self, found: Found) -> Shown:
        execution, events, logs = found.evidence.execution, found.evidence.events, found.evidence.logs
        wrong = [*faults(execution, events, logs), *found.evidence.strays]
        notes = list(unsealed(execution, events, logs))
        first = first_altered(execution, events)
        if found.folder is not None and found.session is not None:
            against = compared(execution, events, *found.session.history(execution.execution_id)[:2])
            (wrong if against.fault else notes).append(against.words)
            first = min(filter(None, (first, against.first)), default=None)
        elif found.folder is not None:
            notes.append("The tables were not asked, for a run's folder was named; drskit verify asks them.")
        if not wrong:
            lines = [f"The history is whole: {len(events)} events, the last is {execution.head}.", *notes]
            return Shown(
                boxed([f"<p{WRAP}>{filled('✔ whole', Tone.GOOD)} {'<br>'.join(map(text_of, lines))}</p>"]), lines[0]
            )
        lines = [*([f"The first event that is not as it was written: {first}."] if first else []), *wrong]
        self._failed.append(f"The evidence of {execution.execution_id} was changed. {' '.join(lines)}")
        return _told(filled("✖ changed", Tone.BAD), lines, "\n".join(map(plain, lines)))

    def _exported(self, found: Found) -> Shown:
        from drskit.views.exports import ExportPanel, link_to

        if person_is_there((found.session or Session.open()).settings.ui):
            ExportPanel(FORMATS, lambda name: self._write(found, name)).shown()
            return Shown("<p>A file lands in the run's folder; press again to write it anew.</p>", "")
        lines, words = [], []
        mark: dict[str, object] = {}
        for name in self.parameters.formats.split():
            try:
                path = self._write(found, name)
                mark = run_mark(found.evidence.execution.execution_id, path.parent)
                lines.append(f"{escape(name)}: {link_to(path)}")
                words.append(str(path))
            except (DrskitError, OSError) as error:  # the other formats are written all the same
                self._failed.append(f"{name} was not written: {error}")
                lines.append(f"{filled('✖ not written', Tone.BAD)} {escape(name)}: {text_of(str(error))}")
                words.append(self._failed[-1])
        html = boxed(f'<p style="margin:2px 0;overflow-wrap:anywhere">{line}</p>' for line in lines)
        return Shown(html, "\n".join(words), mark)

    def _write(self, found: Found, name: str) -> Path:
        """The report as a file in the run's folder; the evidence is put there first where it is not yet."""
        execution = found.evidence.execution
        if self.parameters.output_dir or found.folder is None:
            runs = runs_of(found, self.parameters)
            evidence = found.evidence
            context = found.summary.context
            write_run(runs, execution, evidence.events, evidence.logs, now=context.made_at, context=context)
            folder = run_folder(runs, execution.execution_id)
        else:
            folder = found.folder
        file = write_file(folder, f"report.{name}", self._rendered(found, name))
        if file.name == REPORT:
            report_made_again(folder / EVIDENCE, versions())
        return file

    def _rendered(self, found: Found, name: str) -> bytes:
        if name != "pdf":
            return render(found.evidence, name)
        from drskit.printing import find_chromium, print_pdf

        settings = (found.session or Session.open()).settings
        return print_pdf(render(found.evidence, "html").decode(), find_chromium(settings.chromium))


def _told(badge: str, lines: list[str], words: str) -> Shown:
    return Shown(boxed([f"<p{WRAP}>{badge} {'<br>'.join(map(text_of, lines))}</p>"]), words)


def _path_text(summary: Summary) -> str:
    longest = max(summary.path, key=lambda step: step.lasted, default=None)
    if longest is None:
        return "Nothing has begun, so nothing determined an end."
    who = labels_of(summary)[longest.source_server_id] if longest.source_server_id else longest.wave_name or ""
    return plain(f"The longest step of {len(summary.path)}: {longest.words} {who}, {span(longest.lasted)}.")
