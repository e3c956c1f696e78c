"""Runbooks of any shape: whatever is a plan comes back as itself, whatever is none is refused."""

from datetime import timedelta
from itertools import pairwise

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from drskit.errors import InvalidRunbook
from drskit.model import Approval, OnFailure, ProtectionGroup, RecoveryPlan, Runbook, Targets, Wave
from drskit.runbook import parse_runbook
from drskit.waves import find_cycle
from tests.test_runbook import SMALL

letters = st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"), exclude_characters="\ufffe\uffff\u2028\u2029")
texts = st.text(letters, max_size=30)
words = st.text(letters, min_size=1, max_size=12)
plan_ids = st.from_regex(r"[a-z0-9][a-z0-9._-]{0,12}", fullmatch=True)
group_names = st.from_regex(r"[a-z0-9][a-z0-9_-]{0,12}", fullmatch=True)
wave_names = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9 _.:/=+@-]{0,12}", fullmatch=True)
spans = st.integers(1, 31_536_000).map(lambda seconds: timedelta(seconds=seconds))


def complaints(text: str) -> tuple[str, ...]:
    """What is wrong with a runbook; nothing when it is accepted."""
    try:
        parse_runbook(text, source="any.yaml")
    except InvalidRunbook as fault:
        return fault.complaints
    return ()


def maybe(strategy: st.SearchStrategy) -> st.SearchStrategy:
    return st.none() | strategy


@st.composite
def runbooks(draw: st.DrawFn) -> Runbook:
    """Groups by tags or by servers, spread over waves whose needs have no cycle."""
    plan_id, region = draw(plan_ids), draw(st.sampled_from(["us-west-2", "eu-central-1", "us-gov-east-1"]))
    names = draw(st.lists(group_names, min_size=1, max_size=5, unique=True))
    groups = tuple(_group(draw, plan_id, region, name, number) for number, name in enumerate(names))
    titles = draw(st.lists(wave_names, min_size=1, max_size=len(names), unique=True))
    shares = {title: [groups[number].group_id] for number, title in enumerate(titles)}
    for group in groups[len(titles) :]:
        shares[draw(st.sampled_from(titles))].append(group.group_id)
    order = draw(st.permutations(titles))
    waves = tuple(_wave(draw, title, tuple(shares[title]), order[: order.index(title)]) for title in titles)
    plan = RecoveryPlan(
        plan_id=plan_id,
        description=draw(texts),
        owners=draw(st.dictionaries(words, texts, max_size=2)),
        procedure=draw(maybe(texts)),
        targets=Targets(rto=draw(maybe(spans)), rpo=draw(maybe(spans))),
        region=region,
        waves=waves,
    )
    return Runbook(source="any.yaml", plan=plan, groups=groups)


def _group(draw: st.DrawFn, plan_id: str, region: str, name: str, number: int) -> ProtectionGroup:
    servers: tuple[str, ...] = ()
    tags: dict[str, str] = {}
    if draw(st.booleans()):
        servers = tuple(f"s-{number:08d}{index:09d}" for index in range(draw(st.integers(1, 4))))
    else:
        tags = draw(st.dictionaries(words, texts, min_size=1, max_size=2))
    expect = draw(st.sampled_from([None, len(servers) or 7]))
    return ProtectionGroup(
        group_id=f"{plan_id}.{name}",
        name=name,
        plan_id=plan_id,
        region=region,
        tags=tags,
        servers=servers,
        expect=expect,
    )


server_ids = st.from_regex(r"s-[0-9a-zA-Z]{17}", fullmatch=True)


def _failures(key: str) -> st.SearchStrategy:
    return st.integers(0, 100).map(lambda number: {key: number})


def _wave(draw: st.DrawFn, name: str, groups: tuple[str, ...], earlier: list[str]) -> Wave:
    needs = draw(st.lists(st.sampled_from(earlier), unique=True)) if earlier else []
    return Wave(
        name=name,
        groups=groups,
        needs=tuple(needs),
        rto=draw(maybe(spans)),
        approval=draw(maybe(texts.filter(bool).map(lambda text: Approval(text=text)))),
        optional=tuple(draw(st.lists(server_ids, max_size=2))),
        **draw(st.sampled_from(["max_failed", "max_failed_percent"]).flatmap(_failures)),
        order=draw(st.lists(server_ids, unique=True, max_size=3).map(lambda ids: tuple((one,) for one in ids))),
        on_failure=draw(st.sampled_from(OnFailure)),
        timeout=draw(spans),
    )


def iso(span: timedelta | None) -> str | None:
    return span and f"PT{int(span.total_seconds())}S"


def written(book: Runbook) -> str:
    """A runbook as YAML."""
    plan = book.plan
    given_targets = {"rto": iso(plan.targets.rto), "rpo": iso(plan.targets.rpo)}
    data = {
        "version": 1,
        "plan": plan.plan_id,
        "description": plan.description,
        "owners": plan.owners,
        "targets": {key: value for key, value in given_targets.items() if value},
        "sites": {"main": {"region": plan.region}},
        "groups": {group.name: _group_data(group) for group in book.groups},
        "waves": [_wave_data(wave) for wave in plan.waves],
    }
    if plan.procedure is not None:
        data["procedure"] = plan.procedure
    return yaml.safe_dump(data, allow_unicode=True, sort_keys=False)


def _group_data(group: ProtectionGroup) -> dict[str, object]:
    select: dict[str, object] = {"servers": list(group.servers)} if group.servers else {"tags": group.tags}
    return {"select": select, **({"expect": group.expect} if group.expect else {})}


def _wave_data(wave: Wave) -> dict[str, object]:
    data: dict[str, object] = {
        "name": wave.name,
        "groups": [group_id.rpartition(".")[2] for group_id in wave.groups],
        "needs": list(wave.needs),
        "optional": list(wave.optional),
        "max_failed": wave.max_failed if wave.max_failed_percent is None else f"{wave.max_failed_percent}%",
        "on_failure": wave.on_failure.value,
        "timeout": iso(wave.timeout),
    }
    if wave.rto:
        data["rto"] = iso(wave.rto)
    if wave.order:
        data["order"] = [list(step) for step in wave.order]
    if wave.approval:
        data["approve"] = wave.approval.text
    return data


@settings(max_examples=60)
@given(runbooks())
def test_a_plan_that_is_written_comes_back_as_itself(book):
    """Names, tags and texts of any letters; groups of both kinds; needs of any shape without a cycle."""
    read = parse_runbook(written(book), source="any.yaml")
    assert book.plan == read.plan
    assert book.groups == read.groups
    assert book.digest == read.digest


@st.composite
def needs_maps(draw: st.DrawFn) -> dict[str, tuple[str, ...]]:
    """Any needs over a few waves, cycles and self-needs included."""
    names = [f"W{number}" for number in range(draw(st.integers(1, 6)))]
    return {name: tuple(draw(st.lists(st.sampled_from(names), unique=True, max_size=3))) for name in names}


def reaches(needs: dict[str, tuple[str, ...]], start: str) -> set[str]:
    """Everything that a wave waits for, near and far."""
    seen: set[str] = set()
    waiting = list(needs[start])
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting += needs[name]
    return seen


@settings(max_examples=100)
@given(needs_maps())
def test_needs_are_accepted_exactly_when_no_wave_waits_for_itself(needs):
    """Near or far; and the cycle that is named is one, each wave needing the next."""
    groups = "".join(f"  g{name[1:]}: {{select: {{tags: {{n: {name}}}}}}}\n" for name in needs)
    waves = "".join(
        f"  - {{name: {name}, groups: [g{name[1:]}], needs: [{', '.join(wanted)}]}}\n" for name, wanted in needs.items()
    )
    text = f"version: 1\nplan: p\nsites: {{main: {{region: us-west-2}}}}\ngroups:\n{groups}waves:\n{waves}"
    cyclic = any(name in reaches(needs, name) for name in needs)
    cycle = find_cycle(needs)
    assert cyclic == bool(cycle)
    assert all(after in needs[before] for before, after in pairwise(cycle))
    if cyclic:
        (complaint,) = complaints(text)
        assert "wait for each other: " + " -> ".join(cycle) in complaint
    else:
        assert needs == {wave.name: wave.needs for wave in parse_runbook(text).plan.waves}


@st.composite
def damaged(draw: st.DrawFn) -> str:
    """A good runbook with a few letters changed, cut out or put in."""
    text = SMALL
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        stop = min(len(text), start + draw(st.integers(0, 12)))
        text = text[:start] + draw(st.text("ab0:-[]{}#&*!|>'\", \n\t~.\0é", max_size=6)) + text[stop:]
    return text


@settings(max_examples=300)
@given(damaged() | st.text())
def test_no_text_raises_anything_but_an_invalid_runbook(text):
    """Whatever is written: a runbook, or complaints that name the file."""
    assert all(complaint.startswith("any.yaml:") for complaint in complaints(text))
