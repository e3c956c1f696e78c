"""Runbooks: YAML in, models out.

A runbook declares protection groups and one recovery plan (design §4). Every
fault is reported at once, each with the file, the line, the key and what to
write instead; what later versions will understand is refused as "not supported
yet", never ignored.
"""

import re
from decimal import Decimal
from pathlib import Path

from pydantic import ValidationError

from drskit.actions import Action
from drskit.actionspec import ActionSpec, action_of_spec
from drskit.budgetspec import BudgetSpec
from drskit.contradictions import contradictions, needs_of
from drskit.errors import InvalidRunbook
from drskit.model import (
    Approval,
    ChangeControl,
    CleanUp,
    CleanupPolicy,
    Pacing,
    ProtectionGroup,
    RecoveryPlan,
    RecoveryPolicy,
    Runbook,
    Snapshots,
    Targets,
    Wave,
    Window,
)
from drskit.money import BudgetPolicy
from drskit.notices import NotifyTarget
from drskit.runbookspec import ApproveSpec, ChangeSpec, RunbookSpec, keys_of
from drskit.yamlfile import Document, YamlFault, read_file, read_text, spell

WORD = re.compile(r"(?!.*: )\w[\w./@=+:, -]{0,59}", re.ASCII)
"""What means the same in brackets, and is not too long to be repeated."""


def load_runbook(path: Path) -> Runbook:
    """Read a runbook.

    Raises:
        InvalidRunbook: with every complaint about it.
        InvalidInput: there is no such file.
    """
    try:
        document = read_file(path)
    except YamlFault as fault:
        raise InvalidRunbook((str(fault),)) from fault
    return understand(document)


def parse_runbook(text: str, *, source: str = "runbook.yaml") -> Runbook:
    """Read a runbook from a text; `source` is its name in complaints.

    Raises:
        InvalidRunbook: with every complaint about it.
    """
    try:
        document = read_text(text, source=source)
    except YamlFault as fault:
        raise InvalidRunbook((str(fault),)) from fault
    return understand(document)


def understand(document: Document) -> Runbook:
    """A document as a runbook.

    Raises:
        InvalidRunbook: with every complaint about it.
    """
    if not isinstance(document.data, dict):
        raise InvalidRunbook((document.complaint((), "a runbook is a mapping that begins with `version: 1`."),))
    try:
        spec = RunbookSpec.model_validate(document.data)
    except ValidationError as error:
        raise InvalidRunbook(_complaints(document, error)) from error
    complaints = tuple(document.complaint(location, message) for location, message in contradictions(spec))
    if complaints:
        raise InvalidRunbook(complaints)
    return _build(spec, document)


def _complaints(document: Document, error: ValidationError) -> tuple[str, ...]:
    seen: dict[tuple[int, str], None] = {}
    for fault in error.errors():
        location = document.located(fault["loc"])
        asked = fault.get("ctx", {}).get("class_name", "")
        text = document.complaint(location, _words(fault["type"], fault["msg"], fault["input"], asked))
        seen.setdefault((document.line(location), text))
    return tuple(text for _, text in sorted(seen))


def _words(kind: str, message: str, value: object, asked: str) -> str:
    shown = f"{value!r:.80}: " if isinstance(value, str) else ""
    if kind == "missing":
        return "the key is missing; add it."
    if kind == "extra_forbidden":
        return "the key is unknown; see docs/runbook.md for every key, or remove it."
    if kind == "string_pattern_mismatch":
        return f"{shown}this is no source server; write an id such as s-5f3ddf07c0eb9fe45."
    if kind in {"none_required", "dict_type", "tuple_type", "string_type", "model_type"}:
        form = _form(kind, value, asked)
        return f"{shown}{form or message[0].lower() + message[1:]}; look at the example in docs/runbook.md."
    return f"{shown}{message[0].lower()}{message[1:]}."


def _form(kind: str, value: object, asked: str) -> str:
    """What to write where the form is wrong, by its keys or by the value itself; empty where that says nothing."""
    if kind == "tuple_type":
        inside = f"{{{_as_it_is(next(iter(value), ''))}: …}}" if isinstance(value, dict) else _as_it_is(value)
        return f"write a list in brackets, such as [{inside}]"
    if kind == "dict_type":
        return "write names with values in braces, such as {name: …}"
    if kind == "model_type" and (keys := keys_of(asked)):
        return f"write keys with values in braces, such as {{{keys[0]}: …}}; its keys are {', '.join(keys)}"
    return ""


def _as_it_is(value: object) -> str:
    """A word as it may stand in brackets, whole; an ellipsis for any other value."""
    return value if isinstance(value, str) and WORD.fullmatch(value) else "…"


def _approval(spec: ApproveSpec | None) -> Approval | None:
    if spec is None:
        return None
    return Approval(
        text=spec.text, timeout=spec.timeout, on_timeout=spec.on_timeout, by=spec.by, not_starter=spec.not_starter
    )


def _failures(text: str) -> dict[str, int]:
    """`max_failed`, by the name of what it is."""
    return {"max_failed_percent": int(text[:-1])} if text.endswith("%") else {"max_failed": int(text)}


def _change(spec: ChangeSpec | None) -> ChangeControl | None:
    if spec is None:
        return None
    windows = tuple(Window(days=window.days, start=window.from_, until=window.until) for window in spec.windows)
    return ChangeControl(ticket=spec.ticket, windows=windows, timezone=spec.timezone, freeze=spec.freeze)


def _actions(specs: tuple[ActionSpec, ...], plan: str) -> tuple[Action, ...]:
    return tuple(action_of_spec(spec, plan) for spec in specs)


def _budget(spec: BudgetSpec | None) -> BudgetPolicy | None:
    if spec is None:
        return None
    return BudgetPolicy(max_usd=Decimal(spec.max_usd), run=spec.run, prices=spec.prices)


def _build(spec: RunbookSpec, document: Document) -> Runbook:
    (site,) = spec.sites.values()
    needs = needs_of(spec)
    groups = tuple(
        ProtectionGroup(
            group_id=f"{spec.plan}.{name}", name=name, plan_id=spec.plan, region=site.region,
            tags=group.select.tags, servers=group.select.servers, expect=group.expect,
        )
        for name, group in spec.groups.items()
    )  # fmt: skip
    waves = tuple(
        Wave(
            name=wave.name, groups=tuple(f"{spec.plan}.{name}" for name in wave.groups), needs=needs[wave.name],
            rto=wave.rto,
            approval=_approval(wave.approve), optional=wave.optional,
            **_failures(wave.max_failed), on_failure=wave.on_failure, timeout=wave.timeout, order=wave.order,
            before=_actions(wave.before, spec.plan), after=_actions(wave.after, spec.plan),
            checks=wave.checks.checks() if wave.checks else None,
        )
        for wave in spec.waves
    )  # fmt: skip
    plan = RecoveryPlan(
        plan_id=spec.plan, description=spec.description, owners=spec.owners, procedure=spec.procedure,
        targets=Targets(rto=spec.targets.rto, rpo=spec.targets.rpo), region=site.region, waves=waves,
        cleanup=CleanupPolicy(after=spec.cleanup.after, headless=CleanUp(spec.cleanup.headless)),
        pacing=Pacing(servers=spec.pacing.servers, waves=spec.pacing.waves), timeout=spec.timeout,
        snapshots=Snapshots(before=spec.snapshots.before, servers=spec.snapshots.servers),
        change=_change(spec.change), recovery=RecoveryPolicy(second_person=spec.recovery.second_person),
        budget=_budget(spec.budget),
        notify=tuple(NotifyTarget(address=target.address, kinds=target.on) for target in spec.notify),
        at_end=_actions(spec.finally_, spec.plan),
    )  # fmt: skip
    lines = {spell(location): line for location, line in document.lines.items() if location}
    return Runbook(source=document.source, lines=lines, plan=plan, groups=groups)
