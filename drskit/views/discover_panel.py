"""Source servers with boxes to tick, and the protection group that is made of them."""

from typing import TYPE_CHECKING, Any

from drskit.errors import ChangedMeanwhile, DrskitError
from drskit.views.board import boxed, render_mode, text_of
from drskit.views.notices import alert, difference_html, said
from drskit.views.servers import (
    ServerLine,
    group_html,
    known_tags,
    matching,
    summary_html,
    troubles_html,
    verdict_html,
    whole,
)
from drskit.views.widgets import WidgetPanel
from drskit.views.words import counted, plain, span

if TYPE_CHECKING:
    from drskit.discovery import Discovery, Estate, Proposal

PAGE = 50
"""Servers that are shown at once: each is a box of its own."""
NEW_FILE = "runbooks/my-plan.yaml"


class DiscoverPanel(WidgetPanel):
    """The panel of `01-discover-servers`."""

    def __init__(self, discovery: "Discovery") -> None:
        super().__init__()
        self.discovery = discovery
        self.estate: Estate = discovery.estate
        self.ticked: set[str] = set()
        self.shown_count = PAGE
        self.proposal: Proposal | None = None
        wanted = discovery.parameters
        self.mode = self.html(boxed([render_mode(self.estate.mode)]), "drs-mode")
        self.summary = self.html("", "drs-summary")
        self.filter = self.combobox(
            "Filter by tag", "drs-filter", value=wanted.show_only, placeholder="Tier=web, or part of a name"
        )
        self.again = self.button("Look again", "drs-look-again", self._look_again, icon="refresh")
        self.all = self.button("Tick all shown", "drs-tick-all", self._tick_all)
        self.none = self.button("Untick all", "drs-untick-all", self._untick_all)
        self.rows = self.column(name="drs-servers")
        self.more = self.button("Show more", "drs-more", self._show_more)
        self.troubles = self.html("", "drs-troubles")
        self.runbook = self.text("Runbook", "drs-runbook", value=wanted.runbook or NEW_FILE)
        self.group = self.combobox("Group", "drs-group", value=wanted.group, placeholder="a name, new or of a group")
        self.plan = self.text("New plan", "drs-plan", value=wanted.plan, placeholder="the file's name, if left empty")
        self.outlook = self.html("", "drs-outlook")
        self.write = self.button("Write the runbook", "drs-write", self._write, icon="save", button_style="primary")
        self.overwrite = self.button(
            "Overwrite it, and keep the other version", "drs-overwrite", self._overwrite, button_style="danger"
        )
        self.box = self._laid_out()
        self._connect()

    def _laid_out(self) -> Any:
        return self.column(
            self.mode,
            self.summary,
            self.row(self.filter, self.again, self.all, self.none),
            self.rows,
            self.more,
            self.html(boxed(['<p style="margin:12px 0 2px;font-size:1.1em"><b>A protection group of them</b></p>'])),
            self.row(self.runbook, self.group, self.plan),
            self.outlook,
            self.row(self.write, self.overwrite),
            self.status,
            name="drs-discover",
        )

    def _connect(self) -> None:
        self.on_change(self.filter, lambda _value: self._filtered())
        for field in (self.runbook, self.group, self.plan):
            self.on_change(field, lambda _value: self._propose())

    def shown(self) -> "DiscoverPanel":
        """Show the panel."""
        self.act(self._draw)
        self.act(self._propose)
        self.present(self.box)
        return self

    def __repr__(self) -> str:
        return f"<{counted(len(self.estate.lines), 'source server')} in {self.estate.region}>"

    def _repr_mimebundle_(self, **_: object) -> dict[str, str]:
        """The panel is shown already; a cell that ends with it says nothing more."""
        return {"text/plain": repr(self)}

    # --- the servers -------------------------------------------------------------------------------------------------

    def _chosen(self) -> tuple[ServerLine, ...]:
        return matching(self.estate.lines, self.filter.value)

    def _draw(self) -> None:
        lines = self._chosen()
        self.filter.options = known_tags(self.estate.lines)
        self.summary.value = boxed([summary_html(lines, len(self.estate.lines))])
        shown = lines[: self.shown_count]
        self.rows.children = tuple(self._row(line) for line in shown) or (
            self.html(said("No source server fits the filter.")),
        )
        left = len(lines) - len(shown)
        self.show(self.more, visible=left > 0)
        self.more.description = f"Show {min(left, PAGE)} more of {left}"

    def _row(self, line: ServerLine) -> Any:
        server_id = line.server.source_server_id
        name = plain(line.server.name)[:80]
        box = self.checkbox(f"{name} ({server_id})" if name else server_id, "drs-tick", value=server_id in self.ticked)
        box.layout.flex = "0 1 22em"
        self.on_change(box, lambda value: self._tick(server_id, on=value))
        facts = self.html(boxed([_facts(line)]))
        facts.layout.width = "auto"
        facts.layout.flex = "1 1 24em"
        row = self.row(box, facts, name="drs-server")
        row.layout.align_items = "flex-start"
        row.layout.border_bottom = "1px solid var(--jp-border-color2, #9aa0a6)"
        return row

    def _tick(self, server_id: str, *, on: bool) -> None:
        (self.ticked.add if on else self.ticked.discard)(server_id)
        self._propose()

    def _tick_all(self) -> None:
        self.ticked.update(line.server.source_server_id for line in self._chosen()[: self.shown_count])
        self._draw()
        self._propose()

    def _untick_all(self) -> None:
        self.ticked.clear()
        self._draw()
        self._propose()

    def _show_more(self) -> None:
        self.shown_count += PAGE
        self._draw()
        self._ask_about_shown()

    def _filtered(self) -> None:
        self.shown_count = PAGE
        self._draw()
        self._ask_about_shown()

    def _ask_about_shown(self) -> None:
        """Ask DRS about the servers that are shown and that it was not asked about yet."""
        shown = self._chosen()[: self.shown_count]
        wanted = self.discovery.not_asked(line.server.source_server_id for line in shown)
        if wanted:
            self.say(f"Asking DRS about {counted(len(wanted), 'server')} …")
            self.estate = self.discovery.ask_about(wanted)
            self._draw()
            self.say("")

    def _look_again(self) -> None:
        self.say("Asking DRS …")
        self.estate = self.discovery.look(self.filter.value)
        self._draw()
        self._ask_about_shown()
        self.say(f"As of {self.estate.seen}.")

    # --- the group ---------------------------------------------------------------------------------------------------

    def _propose(self) -> None:
        """Show what the runbook would become; what stands in the way of that is shown there, too."""
        self.proposal = None
        self.show(self.overwrite, visible=False)
        self.write.disabled = True
        if not self.ticked or not self.group.value.strip():
            what = "Tick servers" if not self.ticked else f"{counted(len(self.ticked), 'server')} ticked: name a group"
            self.outlook.value = said(f"{what}, and see here what is written.")
            return
        try:
            self._show_proposal()
        except DrskitError as error:
            self.outlook.value = alert(str(error))

    def _show_proposal(self) -> None:
        ordered = [line.server.source_server_id for line in self.estate.lines]
        proposal = self.discovery.propose(
            self.runbook.value.strip(),
            self.group.value.strip(),
            servers=sorted(self.ticked, key=ordered.index),
            plan=self.plan.value.strip(),
        )
        self.proposal = proposal
        self.show(self.plan, visible=proposal.before is None)
        self.group.options = tuple(proposal.draft.groups)
        complaints = "".join(alert(complaint) for complaint in proposal.draft.complaints)
        made = "is changed" if proposal.before is not None else "is made"
        chosen = [line for line in self.estate.lines if line.server.source_server_id in self.ticked]
        warned = troubles_html(chosen) if any(line.findings for line in chosen) else ""
        remark = text_of(proposal.remark) if proposal.remark else ""
        title = f"<p><b>{text_of(proposal.draft.source)} {made}</b> {remark}</p>"
        shown = difference_html(proposal.before or "", proposal.draft.text)
        self.outlook.value = boxed([complaints, warned, title, shown])
        self.write.disabled = bool(proposal.draft.complaints)

    def _write(self) -> None:
        self._save(overwrite=False)

    def _overwrite(self) -> None:
        self._save(overwrite=True)

    def _save(self, *, overwrite: bool) -> None:
        if self.proposal is None:
            return
        try:
            saved = self.discovery.write(self.proposal, overwrite=overwrite)
        except ChangedMeanwhile:
            self.show(self.overwrite, visible=True)
            raise
        remark, path = self.proposal.remark, self.proposal.draft.source
        self.ticked.clear()
        self._draw()
        self._propose()
        self.say_done(f"{saved} {remark} Open 02-plan-a-recovery with runbook = {path!r}.".replace("  ", " "))


def _facts(line: ServerLine) -> str:
    lag = f", lag {span(line.server.lag)}" if line.server.lag else ""
    why = "".join(f"<br>{text_of(str(finding))}" for finding in line.findings)
    return (
        f'<p style="margin:2px 0;line-height:1.8">{whole(group_html(line))} {whole(verdict_html(line))} '
        f"{text_of(line.replication)}{lag}; last launch {text_of(line.last_launch)}{why}</p>"
    )
