"""What a start would do, before anybody says yes."""

from datetime import timedelta
from typing import TYPE_CHECKING

from drskit.approvers import question
from drskit.change import Judgement, advice
from drskit.checks import RunFrom
from drskit.forecast import Forecast, money_words
from drskit.model import CleanUp, Mode, Pacing, SourceServer, Wave
from drskit.planning import Resolved
from drskit.steps import may_fail, steps_of
from drskit.views.board import CELL, HEADING, HEARD, TABLE, render_mode, render_note, text_of
from drskit.views.notes import Note
from drskit.views.words import FAST_WORDS, Tone, counted, moment, plain, span

if TYPE_CHECKING:
    from drskit.guard import Doomed
    from drskit.session import Preview

SHOWN = 12
"""Servers of a wave that are named; the rest is counted."""


def preview_parts(preview: "Preview") -> tuple[str, ...]:
    """The preview as HTML for a notebook, in the parts and the looks of a board."""
    title = f'<p style="margin:0 0 2px;font-size:1.35em"><b>Not started:</b> {text_of(_title(preview))}</p>'
    told = "".join(map(render_note, facts(preview)))
    return render_mode(preview.mode), title, told, _table(preview)


def _table(preview: "Preview") -> str:
    head = "".join(f'<th scope="col" style="{CELL}">{name}</th>' for name in ("Wave", "Starts", "Launches"))
    rows = "".join(
        f'<tr><th scope="row" style="{CELL}">{text_of(wave.name)}</th><td style="{CELL};min-width:12em">'
        f'{text_of(needs)}</td><td style="{CELL};min-width:16em">{text_of(servers)}</td></tr>'
        for wave, needs, servers in _waves(preview)
    )
    return (
        f'<div style="{HEADING}"><b>What a start launches</b></div>'
        f'<div data-key="scrolls" style="overflow-x:auto;margin:0 0 12px">'
        f'<table style="{TABLE};white-space:normal"><caption style="{HEARD}">What a start launches</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def preview_text(preview: "Preview") -> str:
    """The preview as plain text for a terminal."""
    lines = [f"{preview.mode} {_title(preview)}", *(fact.words for fact in facts(preview)), ""]
    for wave, needs, servers in _waves(preview):
        lines += [f"Wave {wave.name} ({needs})", f"  launches {servers}"]
    return "\n".join(plain(line) for line in lines)


def summary(preview: "Preview") -> str:
    """What a start would do, in a sentence."""
    gone = counted(len(preview.doomed), "instance")
    doomed = f"and terminates {gone} of earlier launches" if preview.doomed else "and terminates none"
    return f"{preview.mode} {_title(preview)}. It launches an instance of each, {doomed}."


def _title(preview: "Preview") -> str:
    count = counted(sum(len(group.servers) for group in preview.groups), "server")
    return f"drill of plan {preview.runbook.plan.plan_id}: {count}, account {preview.account_id}, {preview.region}"


def facts(preview: "Preview", *, for_real: bool = False) -> list[Note]:
    """What there is to know before a start; of a recovery, what does not come after it is left out."""
    targets = preview.runbook.plan.targets
    found = [_terminates(instance) for instance in preview.doomed]
    if not found:
        found = [Note("Terminates no instance: none of these servers has an earlier one.")]
    found += [
        Note(f"EXPECTED {group.group.expect} servers in {group.group.name}, found {len(group.servers)}", Tone.BAD)
        for group in _odd(preview)
    ]
    if preview.mode is Mode.REAL:
        found += [Note(f"NOT APPLIED yet: {change}", Tone.BAD) for change in preview.changes]
    elif preview.changes:
        found.append(Note(f"Applies the runbook first: {'; '.join(preview.changes)}"))
    if preview.change:
        found += _change(preview.change)
    if preview.fast:
        found.append(Note(FAST_WORDS, Tone.WAIT))
    if preview.forecast is not None:
        found.append(_cost(preview.forecast))
    found += _recovered_from(preview)
    found += _pauses(preview.runbook.plan.pacing)
    if preview.runbook.plan.timeout:
        found.append(Note(f"Starts nothing new once it has lasted {span(preview.runbook.plan.timeout)}"))
    policy = preview.runbook.plan.cleanup
    for where, choice in (("with a person there", policy.after), ("headless", policy.headless)):
        if choice is CleanUp.ALWAYS and not for_real:
            found.append(Note(f"Terminates its own instances at its end, {where}, without a question", Tone.WAIT))
    found.append(Note(f"RTO target {_target(targets.rto)}, RPO target {_target(targets.rpo)}"))
    return found


def _cost(found: Forecast) -> Note:
    dear = found.limit is not None and found.bill.usd > found.limit.max_usd
    return Note(money_words(found), Tone.WAIT if dear or found.bill.unknown else None)


def _recovered_from(preview: "Preview") -> list[Note]:
    """The points in time that are not the newest data; the oldest first, for it decides the RPO."""
    names = {server.source_server_id: server.name for part in preview.groups for server in part.servers}
    pins = sorted(preview.snapshots.items(), key=lambda pin: pin[1].time)
    lines = [
        f"{names.get(server_id) or server_id} from {pin.snapshot_id} of {moment(pin.time)}"
        for server_id, pin in pins[:SHOWN]
    ]
    more = f" and {counted(len(pins) - SHOWN, 'more server')}" if len(pins) > SHOWN else ""
    return [Note(f"Recovers from the past: {', '.join(lines)}{more}", Tone.WAIT)] if pins else []


def _pauses(pacing: Pacing) -> list[Note]:
    lasting = [
        f"{span(length)} {where}"
        for length, where in (
            (pacing.waves, "before a wave, from the end of what it needs"),
            (pacing.servers, "between the launch jobs of a wave"),
        )
        if length
    ]
    return [Note(f"Pauses {', and '.join(lasting)}")] if lasting else []


def _change(judgement: Judgement) -> list[Note]:
    """How the start stands by the plan's change control."""
    if not judgement.allowed:
        return [Note(f"NOT ALLOWED NOW: {'; '.join(judgement.against)}. {advice(judgement)}", Tone.BAD)]
    ticket = f"under ticket {judgement.ticket}" if judgement.ticket else "without a ticket"
    return [Note(f"Change control allows it: {ticket}, window {judgement.within or 'none declared'}")]


def _terminates(instance: "Doomed") -> Note:
    """A drill of ours may be protected: nobody asked, for it may go either way."""
    what = f"{instance.description}, the earlier instance of {instance.source_server_id}"
    if instance.ours:
        return Note(f"Terminates {what}, unless its termination protection is on", Tone.WAIT)
    return Note(f"TERMINATES {what}", Tone.WAIT)


def _target(target: timedelta | None) -> str:
    return span(target) if target else "none"


def _odd(preview: "Preview") -> list[Resolved]:
    return [part for part in preview.groups if part.group.expect not in {None, len(part.servers)}]


def _waves(preview: "Preview") -> list[tuple[Wave, str, str]]:
    found = {part.group.group_id: part for part in preview.groups}
    waves = preview.runbook.plan.waves
    return [(wave, _starts(wave), _steps(wave, [found[name] for name in wave.groups])) for wave in waves]


def _starts(wave: Wave) -> str:
    after = f"after {', '.join(wave.needs)}" if wave.needs else "at once"
    return f"{after}, once approved: {question(wave.approval)}" if wave.approval else after


def _steps(wave: Wave, parts: list[Resolved]) -> str:
    """The servers of the wave; step after step where it has an order."""
    servers = {server.source_server_id: server for part in parts for server in part.servers}
    steps = steps_of(wave, tuple(servers))
    if len(steps) == 1:
        return f"{_servers([servers[server_id] for server_id in steps[0]])}{_borne(wave, len(servers))}{_checks(wave)}"
    told = "; then ".join(
        f"step {number}: {_servers([servers[server_id] for server_id in step])}" for number, step in enumerate(steps, 1)
    )
    return f"{told}{_borne(wave, len(servers))}{_checks(wave)}"


def _checks(wave: Wave) -> str:
    """What each server is to pass."""
    if wave.checks is None:
        return ""
    names = ", ".join(check.name for check in wave.checks.all)
    where = "on the instances" if wave.checks.run_from is RunFrom.SSM else "from here"
    return f"; checked by {names}, {where}, every {span(wave.checks.every)} for {span(wave.checks.timeout)} at most"


def _borne(wave: Wave, count: int) -> str:
    """How many of the wave's servers may fail; the optional ones do not count."""
    counting = count - len(wave.optional)
    borne = may_fail(wave, counting)
    share = f" ({wave.max_failed_percent}%)" if wave.max_failed_percent is not None else ""
    return f"; {borne} of {counting} may fail{share}" if borne or share else ""


def _servers(servers: list[SourceServer]) -> str:
    names = ", ".join(
        f"{server.name} ({server.source_server_id})" if server.name else server.source_server_id
        for server in servers[:SHOWN]
    )
    more = f" and {len(servers) - SHOWN} more" if len(servers) > SHOWN else ""
    return f"{names}{more}"
