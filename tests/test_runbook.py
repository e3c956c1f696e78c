"""Runbooks: what is understood, and how every fault is refused."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from pydantic import ValidationError

from drskit.actions import ActionKind, ActionMode
from drskit.errors import InvalidInput, InvalidRunbook
from drskit.model import Approval, CleanUp, CleanupPolicy, OnFailure, OnTimeout, Pacing, Snapshots, Targets
from drskit.money import BudgetPolicy
from drskit.nesting import models_of
from drskit.notices import NoticeKind
from drskit.runbook import load_runbook, parse_runbook
from drskit.runbookspec import RunbookSpec, keys_of

SMALL = """\
version: 1
plan: shop
sites: {main: {region: us-west-2}}
groups:
  database: {select: {tags: {Tier: database}}}
  web: {select: {servers: [s-5f3ddf07c0eb9fe45]}}
waves:
  - name: Database
    groups: [database]
  - name: Web
    groups: [web]
"""
WHOLE = """\
version: 1
plan: shop                          # PlanId: [a-z0-9][a-z0-9._-]*; GroupId is shop.database
description: Three-tier web shop
owners: {business: web shop, oncall: sre-web}
procedure: https://wiki.example.com/shop-dr
targets: {rto: PT45M, rpo: PT15M}
sites:
  main: {region: us-west-2}
drill:
  subnets: [subnet-0aa0aa0aa0aa0aa0a]
  security_groups: [sg-0bb0bb0bb0bb0bb0b]
  private_ip: new                   # new | copy
groups:
  database: {select: {tags: {Application: sample, Role: DBServer}}, expect: 2}
  app:
    select: {tags: {Application: sample, Role: AppServer}}
    launch: {launchDisposition: STARTED}
    overrides: {s-5817ab4ccdfa96db3: {launch: {launchDisposition: STOPPED}}}
  web: {select: {servers: [s-5f3ddf07c0eb9fe45, s-559fc088ae71428c9]}}
waves:
  - name: Database
    groups: [database]
    rto: PT20M
  - name: Application
    needs: [Database]               # default: the wave before it; [] starts at once
    groups: [app]
    approve: {text: The database accepts logins., timeout: PT30M, on_timeout: cancel}     # or just the text
    before: [{wait: PT1M, modes: [DRILL, RECOVERY]}]
    checks: {run_from: ssm, every: PT30S, timeout: PT15M, all: [{ec2_status: ok}, {tcp: 8080}]}
    after: [{lambda: {function: shift-traffic}, modes: [RECOVERY]}]
    optional: [s-57e730f6102e1f793] # its failure does not fail the wave
    max_failed: 0
    on_failure: stop                # stop | pause | continue
    timeout: PT90M
  - {name: Web, groups: [web]}
finally: []
snapshots: {policy: latest}
pacing: {servers: PT0S, waves: PT0S}
cleanup: {after: always, headless: never}
notify: [{sns: "arn:aws:sns:us-west-2:123456789012:dr"}]
"""
LATER = [
    "drill",
    "groups.app.launch",
    "groups.app.overrides",
]


def complaints(text: str) -> tuple[str, ...]:
    with pytest.raises(InvalidRunbook) as fault:
        parse_runbook(text, source="shop.yaml")
    return fault.value.complaints


def without_later(text: str) -> str:
    """The example with the keys removed that nothing understands yet."""
    drill, groups = text.index("drill:\n"), text.index("groups:\n")
    text = text[:drill] + text[groups:]
    gone = ("    launch:", "    overrides:")
    text = "".join(line for line in text.splitlines(keepends=True) if not line.startswith(gone))
    return text.replace(", timeout: PT30M, on_timeout: cancel", "")


# --- what is understood ----------------------------------------------------------------------------------------------


def test_the_whole_format_is_refused_with_exactly_what_is_not_supported_yet():
    """Every key of the documented example is known; those without behaviour are refused, each in its place."""
    found = complaints(WHOLE)
    assert LATER == [text.split(": ")[1] for text in found]
    assert [] == [text for text in found if "not supported yet" not in text]
    lines = WHOLE.splitlines()
    for text in found:
        line = int(text.split(":")[1])
        assert text.split(": ")[1].split(".")[-1] in lines[line - 1]


def test_the_whole_format_without_these_is_understood():
    """Nothing of it is lost on the way into the model."""
    book = parse_runbook(without_later(WHOLE))
    plan = book.plan
    assert ("shop", "us-west-2", "Three-tier web shop") == (plan.plan_id, plan.region, plan.description)
    assert {"business": "web shop", "oncall": "sre-web"} == plan.owners
    assert "https://wiki.example.com/shop-dr" == plan.procedure
    assert Targets(rto=timedelta(minutes=45), rpo=timedelta(minutes=15)) == plan.targets
    database, application, web = plan.waves
    assert ((), ("Database",), ("Application",)) == (database.needs, application.needs, web.needs)
    assert timedelta(minutes=20) == database.rto
    assert application.checks is not None
    assert ["ec2_status", "tcp 8080"] == [check.name for check in application.checks.all]
    assert Approval(text="The database accepts logins.") == application.approval
    assert ("s-57e730f6102e1f793",) == application.optional
    assert (0, OnFailure.STOP, timedelta(minutes=90)) == (
        application.max_failed,
        application.on_failure,
        application.timeout,
    )
    assert ["shop.database", "shop.app", "shop.web"] == [group.group_id for group in book.groups]
    assert {"Application": "sample", "Role": "DBServer"} == book.groups[0].tags
    assert ("s-5f3ddf07c0eb9fe45", "s-559fc088ae71428c9") == book.groups[2].servers
    assert (2, None) == (book.groups[0].expect, book.groups[1].expect)
    assert CleanupPolicy(after=CleanUp.ALWAYS, headless=CleanUp.NEVER) == plan.cleanup
    assert ["wait 60 s"] == [action.title for action in application.before]
    assert [("lambda shift-traffic", (ActionMode.RECOVERY,))] == [
        (action.title, action.modes) for action in application.after
    ]


def test_a_wave_needs_the_one_before_it_unless_it_says_otherwise():
    """No key: the wave before; an empty list: nothing."""
    assert [(), ("Database",)] == [wave.needs for wave in parse_runbook(SMALL).plan.waves]
    apart = SMALL.replace("groups: [web]", "groups: [web]\n    needs: []")
    assert [(), ()] == [wave.needs for wave in parse_runbook(apart).plan.waves]


def test_an_approval_may_be_just_its_text():
    """Two ways to say the same."""
    short = SMALL + "    approve: Logins work.\n"
    long = SMALL + "    approve: {text: Logins work.}\n"
    assert Approval(text="Logins work.") == parse_runbook(short).plan.waves[1].approval
    assert parse_runbook(short).digest == parse_runbook(long).digest


def test_an_approval_may_run_out():
    """It cancels unless the runbook says skip."""
    text = SMALL + "    approve: {text: Logins work., timeout: PT30M"
    asked = Approval(text="Logins work.", timeout=timedelta(minutes=30))
    assert asked == parse_runbook(text + "}\n").plan.waves[1].approval
    assert asked == parse_runbook(text + ", on_timeout: cancel}\n").plan.waves[1].approval
    skipped = parse_runbook(text + ", on_timeout: skip}\n").plan.waves[1].approval
    assert asked.model_copy(update={"on_timeout": OnTimeout.SKIP}) == skipped


def test_an_approval_may_name_who_gives_it():
    """Users, roles and ARNs; and whether whoever started it may."""
    user = "arn:aws:iam::123456789012:user/x"
    text = f"    approve: {{text: Sound., by: [mira, role/Dr*, '{user}'], not_starter: true}}\n"
    asked = Approval(text="Sound.", by=("mira", "role/Dr*", user), not_starter=True)
    assert asked == parse_runbook(SMALL + text).plan.waves[1].approval
    anybody = SMALL + "    approve: {text: x, not_starter: false}\n"
    assert Approval(text="x") == parse_runbook(anybody).plan.waves[1].approval


def test_a_cleanup_is_asked_for_where_a_person_is_and_left_out_where_nobody_is():
    """What a runbook leaves out; and each of the two is declared by itself."""
    plain = parse_runbook(SMALL).plan
    assert CleanupPolicy(after=CleanUp.ASK, headless=CleanUp.NEVER) == plain.cleanup
    for after in CleanUp:
        assert after is parse_runbook(f"{SMALL}cleanup: {{after: {after}}}\n").plan.cleanup.after
    for headless in (CleanUp.ALWAYS, CleanUp.NEVER):
        told = parse_runbook(f"{SMALL}cleanup: {{headless: {headless}}}\n").plan
        assert CleanupPolicy(headless=headless) == told.cleanup


def test_a_wave_may_have_an_order_and_a_plan_pauses():
    """Steps as they are written; without the keys there is neither."""
    assert (Pacing(), ()) == (parse_runbook(SMALL).plan.pacing, parse_runbook(SMALL).plan.waves[1].order)
    text = SMALL + f"    order: [[{ID}], [s-559fc088ae71428c9]]\npacing: {{servers: PT15S, waves: PT2M}}\n"
    plan = parse_runbook(text).plan
    assert ((ID,), ("s-559fc088ae71428c9",)) == plan.waves[1].order
    assert Pacing(servers=timedelta(seconds=15), waves=timedelta(minutes=2)) == plan.pacing


def test_a_plan_may_recover_from_the_past():
    """All servers from before a time, single ones from named snapshots or their newest data."""
    assert Snapshots() == parse_runbook(SMALL).plan.snapshots
    assert Snapshots() == parse_runbook(SMALL + "snapshots: {policy: latest}\n").plan.snapshots
    text = f"snapshots: {{before: 2026-11-23T05:00:00+01:00, servers: {{{ID}: pit-5f3ddf07c0eb9fe45}}}}\n"
    expected = Snapshots(before=datetime(2026, 11, 23, 4, tzinfo=UTC), servers={ID: "pit-5f3ddf07c0eb9fe45"})
    assert expected == parse_runbook(SMALL + text).plan.snapshots
    assert {ID: "latest"} == parse_runbook(SMALL + f"snapshots: {{servers: {{{ID}: latest}}}}\n").plan.snapshots.servers


def test_a_key_at_its_default_changes_no_digest():
    """So that what was applied by an earlier drskit, which did not know the key, still says the same."""
    assert parse_runbook(SMALL).digest == parse_runbook(SMALL + "pacing: {waves: PT0S}\n").digest


def test_the_digest_tells_what_is_said_and_not_how():
    """Remarks, layout, the order of groups and the file's name do not count; any value does."""
    same = SMALL.replace("plan: shop", "plan:   shop  # our shop")
    assert parse_runbook(SMALL, source="a").digest == parse_runbook(same, source="b").digest
    other = SMALL.replace("name: Web", "name: Web\n    timeout: PT91M")
    assert parse_runbook(SMALL).digest != parse_runbook(other).digest


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("PT45M", 2_700), ("PT1H30M", 5_400), ("P1D", 86_400), ("P1DT1S", 86_401), ("PT0.5S", 0.5), ("PT90S", 90)],
)
def test_durations_are_those_of_iso_8601(text, seconds):
    """Days, hours, minutes and seconds."""
    book = parse_runbook(SMALL + f"    timeout: {text}\n")
    assert timedelta(seconds=seconds) == book.plan.waves[1].timeout


# --- what is refused, each with file, line, key and remedy -----------------------------------------------------------

ID = "s-5f3ddf07c0eb9fe45"
TWO_WAVES = "groups: [database]\n  - name: Web\n    groups: [web]\n"
REFUSALS = {
    "no version": ("version: 1\n", "", "shop.yaml:1: version: the key is missing; add it."),
    "another version": ("version: 1", "version: 2", "shop.yaml:1: version: '2': input should be '1'."),
    "no plan": ("plan: shop\n", "", "shop.yaml:1: plan: the key is missing; add it."),
    "a plan in capitals": ("plan: shop", "plan: Shop", "shop.yaml:2: plan: 'Shop': write a name of lower-case"),
    "a plan of a path": ("plan: shop", "plan: ../shop", "shop.yaml:2: plan: '../shop': write a name"),
    "an unknown key": ("plan: shop", "plan: shop\nplam: shop", "shop.yaml:3: plam: the key is unknown;"),
    "an unknown key of a wave": (
        "name: Web",
        "name: Web\n    need: []",
        "shop.yaml:11: waves[1].need: the key is unknown;",
    ),
    "a key twice": ("plan: shop", "plan: shop\nplan: shop", "shop.yaml:3: plan: the key stands twice (line 2)."),
    "no Region": ("us-west-2", "west", "shop.yaml:3: sites.main.region: 'west': write an AWS Region such as us-west-2"),
    "the Region no": ("us-west-2", "no", "shop.yaml:3: sites.main.region: 'no': write an AWS Region"),
    "two sites": (
        "{main: {region: us-west-2}}",
        "{main: {region: us-west-2}, other: {region: us-east-1}}",
        "shop.yaml:3: sites: more than one site is not supported yet; keep one.",
    ),
    "another account": (
        "region: us-west-2}",
        'region: us-west-2, account: "012345678901"}',
        "shop.yaml:3: sites.main.account: '012345678901': recovery in another account is not supported yet;",
    ),
    "an account that YAML takes for an octal number": (
        "region: us-west-2}",
        "region: us-west-2, account: 012345670123}",
        "shop.yaml:3: sites.main.account: '012345670123': recovery in another account is not supported yet;",
    ),
    "no sites": ("{main: {region: us-west-2}}", "{}", "shop.yaml:3: sites: nothing stands here; write at least one"),
    "no servers": ("servers: [s-5f3ddf07c0eb9fe45]", "servers: []", "shop.yaml:6: groups.web.select: write either"),
    "tags and servers": (
        "tags: {Tier: database}",
        "tags: {Tier: database}, servers: [s-559fc088ae71428c9]",
        "shop.yaml:5: groups.database.select: write either tags or servers, with at least one entry.",
    ),
    "a tag without a value": ("Tier: database", "Tier: ", "shop.yaml:5: groups.database.select.tags.Tier: input"),
    "no server's id": (
        ID,
        "i-5f3ddf07c0eb9fe45",
        "shop.yaml:6: groups.web.select.servers[0]: 'i-5f3ddf07c0eb9fe45': this is no source server; write an id such",
    ),
    "a server twice": (ID, f"{ID}, {ID}", f"shop.yaml:6: groups.web.select.servers[1]: {ID} is twice in this group."),
    "a server in two groups": (
        "tags: {Tier: database}",
        f"servers: [{ID}]",
        f"shop.yaml:6: groups.web.select.servers[0]: {ID} is in group database, too; a server is in one group at most.",
    ),
    "other than expected": (
        "[s-5f3ddf07c0eb9fe45]}",
        "[s-5f3ddf07c0eb9fe45]}, expect: 2",
        "shop.yaml:6: groups.web.expect: 2 is expected, and 1 servers are listed.",
    ),
    "to expect nothing": ("database}}", "database}}, expect: 0", "shop.yaml:5: groups.database.expect: '0': input"),
    "a group's name with a dot": (
        "  web: {",
        "  web.1: {",
        "shop.yaml:6: groups.web.1: 'web.1': write a name of lower-case letters, digits, dashes and underscores",
    ),
    "no waves": (SMALL[SMALL.index("waves:") :], "waves: []", "shop.yaml:7: waves: nothing stands here; write at"),
    "a wave without groups": ("[web]", "[]", "shop.yaml:11: waves[1].groups: nothing stands here; write at least one"),
    "a wave without a name": ("- name: Web\n    ", "- ", "shop.yaml:10: waves[1].name: the key is missing; add it."),
    "a name twice": ("name: Web", "name: Database", "shop.yaml:10: waves[1].name: 'Database' names wave 1, too."),
    "a name of a hash": ("name: Web", 'name: "#1"', "shop.yaml:10: waves[1].name: '#1': write a name of letters"),
    "an unknown group": (
        "groups: [web]",
        "groups: [webb]",
        "shop.yaml:11: waves[1].groups[0]: there is no group 'webb'. Known: database, web.",
    ),
    "a group in two waves": (
        "groups: [web]",
        "groups: [web, database]",
        "shop.yaml:11: waves[1].groups[1]: group 'database' is in wave 'Database' already.",
    ),
    "a group twice in a wave": (
        "[web]",
        "[web, web]",
        "waves[1].groups[1]: group 'web' is in wave 'Web'",
    ),
    "an unknown need": (
        "name: Web",
        "name: Web\n    needs: [Databse]",
        "shop.yaml:11: waves[1].needs[0]: there is no wave 'Databse'. Known: Database, Web.",
    ),
    "empty needs": ("name: Web", "name: Web\n    needs:", "shop.yaml:11: waves[1].needs: nothing stands here;"),
    "an empty approval": ("name: Web", "name: Web\n    approve:", "shop.yaml:11: waves[1].approve: nothing stands"),
    "an approval of nothing": (
        "name: Web",
        'name: Web\n    approve: ""',
        "waves[1].approve: '': write what the approver is to have looked at",
    ),
    "an approval that is no text": (
        "name: Web",
        "name: Web\n    approve: no",
        "waves[1].approve: 'no': write what the approver is to have looked at",
    ),
    "what a timeout leads to, without one": (
        "name: Web",
        "name: Web\n    approve: {text: x, on_timeout: skip}",
        "shop.yaml:11: waves[1].approve.on_timeout: 'skip': without a timeout the question stands for ever; add",
    ),
    "an approval by nobody": (
        "name: Web",
        "name: Web\n    approve: {text: x, by: []}",
        "shop.yaml:11: waves[1].approve.by: nothing stands here; name who may approve, or remove the key for anybody.",
    ),
    "an approval by everybody": (
        "name: Web",
        'name: Web\n    approve: {text: x, by: ["*"]}',
        "shop.yaml:11: waves[1].approve.by[0]: '*': write a user such as mira, a role such as role/DrApprovers, or an",
    ),
    "an approval by a group of users": (
        "name: Web",
        "name: Web\n    approve: {text: x, by: [group/dr]}",
        "shop.yaml:11: waves[1].approve.by[0]: 'group/dr': write a user such as mira, a role such as",
    ),
    "an approval by the roles of a path": (
        "name: Web",
        "name: Web\n    approve: {text: x, by: ['arn:aws:iam::123456789012:role/dr/*']}",
        "shop.yaml:11: waves[1].approve.by[0]: 'arn:aws:iam::123456789012:role/dr/*': write a user such as mira,",
    ),
    "an approval by one name": (
        "name: Web",
        "name: Web\n    approve: {text: x, by: mira}",
        "shop.yaml:11: waves[1].approve.by: 'mira': write a list in brackets, such as [mira];",
    ),
    "a starter perhaps": (
        "name: Web",
        "name: Web\n    approve: {text: x, not_starter: yes}",
        "shop.yaml:11: waves[1].approve.not_starter: 'yes': write true or false.",
    ),
    "a list of starters": (
        "name: Web",
        "name: Web\n    approve: {text: x, not_starter: [true]}",
        "shop.yaml:11: waves[1].approve.not_starter: write true or false.",
    ),
    "to need itself": (
        "name: Web",
        "name: Web\n    needs: [Web]",
        "shop.yaml:11: waves[1].needs: the waves wait for each other: Web -> Web. Remove one need.",
    ),
    "a cycle": (
        "name: Database",
        "name: Database\n    needs: [Web]",
        "the waves wait for each other: ",
    ),
    "no duration": (
        "name: Web",
        "name: Web\n    timeout: 90m",
        "shop.yaml:11: waves[1].timeout: '90m': this is no ISO-8601 duration; write for example PT45M or PT1H30M.",
    ),
    "no time at all": (
        "name: Web",
        "name: Web\n    timeout: PT0S",
        "'PT0S': the duration must be longer",
    ),
    "a negative duration": ("name: Web", "name: Web\n    rto: -PT5M", "'-PT5M': this is no ISO-8601 duration;"),
    "a duration of more than a year": (
        "name: Web",
        "name: Web\n    rto: P366D",
        "'P366D': this is longer than",
    ),
    "a duration beyond all numbers": (
        "name: Web",
        f"name: Web\n    rto: P{'9' * 20}D",
        "this is longer than a year; write for example PT45M or P1D.",
    ),
    "a duration in other digits": ("name: Web", "name: Web\n    rto: PT٣M", "this is no ISO-8601 duration;"),
    "no way to fail": (
        "name: Web",
        "name: Web\n    on_failure: no",
        "shop.yaml:11: waves[1].on_failure: 'no': input should be 'stop', 'pause' or 'continue'.",
    ),
    "a negative count": (
        "name: Web",
        "name: Web\n    max_failed: -1",
        "waves[1].max_failed: '-1': write a whole",
    ),
    "a word for a count": (
        "name: Web",
        "name: Web\n    max_failed: none",
        "waves[1].max_failed: 'none': write a whole number, or a percentage such as 10%.",
    ),
    "more than all may fail": (
        "name: Web",
        "name: Web\n    max_failed: 101%",
        "waves[1].max_failed: '101%': write a whole number, or a percentage such as 10%.",
    ),
    "a plan without any time": (
        "plan: shop",
        "plan: shop\ntimeout: PT0S",
        "shop.yaml:3: timeout: 'PT0S': the duration must be",
    ),
    "a pause of no duration": (
        "plan: shop",
        "plan: shop\npacing: {waves: 60}",
        "shop.yaml:3: pacing.waves: '60': this is no ISO-8601 duration; write for example PT45M or PT1H30M.",
    ),
    "a pause of something else": (
        "plan: shop",
        "plan: shop\npacing: {groups: PT1M}",
        "shop.yaml:3: pacing.groups: the key is unknown;",
    ),
    "an order without steps": (
        "name: Web",
        "name: Web\n    order: []",
        "shop.yaml:11: waves[1].order: nothing stands here; write steps such as [[s-…, s-…], [s-…]], or remove the",
    ),
    "a step without servers": (
        "name: Web",
        f"name: Web\n    order: [[{ID}], []]",
        "shop.yaml:11: waves[1].order[1]: nothing stands here; write at least one server.",
    ),
    "an order of single servers": (
        "name: Web",
        f"name: Web\n    order: [{ID}]",
        f"shop.yaml:11: waves[1].order[0]: '{ID}': write a list in brackets, such as [{ID}];",
    ),
    "an order of groups": (
        "name: Web",
        "name: Web\n    order: [[web]]",
        "shop.yaml:11: waves[1].order[0][0]: 'web': this is no source server; write an id such as",
    ),
    "a server in two steps": (
        "name: Web",
        f"name: Web\n    order: [[{ID}], [{ID}]]",
        f"shop.yaml:11: waves[1].order[1][0]: {ID} is in step 1, too. Remove one.",
    ),
    "a server twice in a step": (
        "name: Web",
        f"name: Web\n    order: [[{ID}, {ID}]]",
        f"shop.yaml:11: waves[1].order[0][1]: {ID} is twice in this step. Remove one.",
    ),
    "an action without modes": (
        "plan: shop",
        "plan: shop\nfinally: [{wait: PT1M}]",
        "shop.yaml:3: finally[0].modes: the key is missing; add it.",
    ),
    "snapshots from before no time": (
        "plan: shop",
        "plan: shop\nsnapshots: {before: yesterday}",
        "shop.yaml:3: snapshots.before: 'yesterday': this is no time with a zone; write for example 2026-11-23T04:00",
    ),
    "snapshots from before a time anywhere": (
        "plan: shop",
        "plan: shop\nsnapshots: {before: 2026-11-23T04:00:00}",
        "shop.yaml:3: snapshots.before: '2026-11-23T04:00:00': this is no time with a zone; write for example",
    ),
    "the latest snapshots from before a time": (
        "plan: shop",
        "plan: shop\nsnapshots: {policy: latest, before: 2026-11-23T04:00:00Z}",
        "shop.yaml:3: snapshots.before: '2026-11-23T04:00:00Z': policy and before contradict each other; keep one",
    ),
    "another policy": (
        "plan: shop",
        "plan: shop\nsnapshots: {policy: oldest}",
        "shop.yaml:3: snapshots.policy: 'oldest': input should be 'latest'.",
    ),
    "no snapshot of a server": (
        "plan: shop",
        f"plan: shop\nsnapshots: {{servers: {{{ID}: snap-1}}}}",
        f"shop.yaml:3: snapshots.servers.{ID}: 'snap-1': write a recovery snapshot such as pit-5f3ddf07c0eb9fe45, or",
    ),
    "a snapshot of no server": (
        "plan: shop",
        "plan: shop\nsnapshots: {servers: {web: latest}}",
        "shop.yaml:3: snapshots.servers.web: 'web': this is no source server; write an id such as",
    ),
    "snapshots of no servers": (
        "plan: shop",
        "plan: shop\nsnapshots: {servers: {}}",
        "shop.yaml:3: snapshots.servers: nothing stands here; write a line such as s-…: pit-….",
    ),
    "to ask where nobody is": (
        "plan: shop",
        "plan: shop\ncleanup: {headless: ask}",
        "shop.yaml:3: cleanup.headless: 'ask': nobody is there to be asked; write always or never.",
    ),
    "a cleanup by another word": (
        "plan: shop",
        "plan: shop\ncleanup: {after: yes}",
        "shop.yaml:3: cleanup.after: 'yes': input should be 'ask', 'always' or 'never'.",
    ),
    "a headless cleanup by another word": (
        "plan: shop",
        "plan: shop\ncleanup: {headless: on}",
        "shop.yaml:3: cleanup.headless: 'on': input should be 'always' or 'never'.",
    ),
    "a budget that is an amount": (
        "plan: shop",
        "plan: shop\nbudget: 200",
        "shop.yaml:3: budget: '200': write keys with values in braces, such as {max_usd: …}; its keys are",
    ),
    "a recovery that is a yes": (
        "plan: shop",
        "plan: shop\nrecovery: true",
        "shop.yaml:3: recovery: 'true': write keys with values in braces, such as {second_person: …}; its keys are",
    ),
    "an action that is no list": (
        "plan: shop",
        "plan: shop\nfinally: {wait: PT1M, modes: [DRILL]}",
        "shop.yaml:3: finally: write a list in brackets, such as [{wait: …}]; look at the example",
    ),
    "a list that is a text of two lines": (
        "name: Web",
        'name: Web\n    needs: "Web]\\nx"',
        "shop.yaml:11: waves[1].needs: 'Web]\\nx': write a list in brackets, such as […]; look at the example",
    ),
    "a list that is a text too long to repeat": (
        "name: Web",
        f"name: Web\n    approve: {{text: x, by: arn:aws:iam::123456789012:role/{'dr' * 30}}}",
        "write a list in brackets, such as […]; look at the example",
    ),
    "owners that are a name": (
        "plan: shop",
        "plan: shop\nowners: sre",
        "shop.yaml:3: owners: 'sre': write names with values in braces, such as {name: …}; look at the example",
    ),
    "an alias": ("plan: shop", "plan: &x shop", "shop.yaml:2: anchors and aliases"),
    "a tag": ("plan: shop", "plan: !!str shop", "shop.yaml:2: the tag tag:yaml.org,2002:str is not accepted."),
    "a NUL": ("plan: shop", "plan: sh\0op", "shop.yaml:2: the character U+0000 is not accepted."),
    "a list": (SMALL, "- version: 1", "shop.yaml:1: a runbook is a mapping that begins with `version: 1`."),
}


ANYTHING = {("LambdaSpec", "payload"), ("HttpSpec", "body")}
"""What a function or a server gets is its own affair."""


def test_every_key_refuses_what_it_cannot_be():
    """Those of actions and checks, too: none takes a list or a mapping of nothing, and each is refused by its key."""
    known = {part.__name__: part for part in models_of(RunbookSpec)}
    assert len(known) > 20
    for name, part in known.items():
        for key in keys_of(name):
            beside = name == "ActionSpec" and key not in set(ActionKind)
            given = {"wait": "PT1M", "modes": ["DRILL"]} if beside else {}
            for wrong in ([[{}]], {"": {"": []}}):
                with pytest.raises(ValidationError) as refused:
                    part.model_validate(given | {key: wrong})
                about = [fault["loc"][0] for fault in refused.value.errors() if fault["loc"]]
                assert (key in about) is ((name, key) not in ANYTHING), (name, key, wrong)


@pytest.mark.parametrize("fault", REFUSALS)
def test_each_fault_is_refused_alone(fault):
    """One fault makes one complaint: file, line, key, what is wrong and what to write."""
    old, new, expected = REFUSALS[fault]
    assert old in SMALL
    (complaint,) = complaints(SMALL.replace(old, new, 1))
    assert expected in complaint
    assert complaint.startswith("shop.yaml:")
    assert complaint.endswith(".")


def test_all_faults_are_reported_at_once_in_the_order_of_their_lines():
    """Nobody mends a file one complaint at a time."""
    text = SMALL.replace("us-west-2", "west").replace("name: Web", "name: Web\n    timeout: 90m\n    cheks: []")
    found = complaints(text)
    assert ["sites.main.region", "waves[1].timeout", "waves[1].cheks"] == [line.split(": ")[1] for line in found]


def test_all_contradictions_are_reported_at_once():
    """What is well formed each by itself, and makes no sense together."""
    text = SMALL.replace("groups: [web]", "groups: [webb]\n    needs: [Databse]").replace("{Tier: database}", "{}")
    assert ["groups.database.select", "waves[1].groups[0]", "waves[1].needs[0]"] == [
        line.split(": ")[1] for line in complaints(text)
    ]


def test_a_long_value_is_shown_in_part():
    """A complaint stays readable."""
    (complaint,) = complaints(SMALL.replace("plan: shop", f"plan: {'X' * 5_000}"))
    assert len(complaint) < 300


def test_the_message_of_the_error_is_all_complaints():
    """What is printed is one line for each."""
    fault = InvalidRunbook(("a:1: x", "a:2: y"))
    assert "a:1: x\na:2: y" == str(fault)
    assert 2 == fault.exit_code


# --- files -----------------------------------------------------------------------------------------------------------


def test_a_runbook_is_read_from_its_file(tmp_path):
    """The file's path is its source, and complaints of later looks know its lines."""
    path = tmp_path / "shop.yaml"
    path.write_text(SMALL, encoding="utf-8")
    book = load_runbook(path)
    assert str(path) == book.source
    assert f"{path}:11: waves[1].groups: wrong." == book.complaint("waves[1].groups", "wrong.")


def test_a_file_that_is_no_text_is_an_invalid_runbook(tmp_path):
    """Faults of the file are complaints like any other."""
    path = tmp_path / "shop.yaml"
    path.write_bytes(SMALL.replace("shop", "größe").encode("latin-1"))
    with pytest.raises(InvalidRunbook, match="is not UTF-8"):
        load_runbook(path)
    with pytest.raises(InvalidInput, match="does not exist"):
        load_runbook(tmp_path / "none.yaml")


# --- notify ----------------------------------------------------------------------------------------------------------


TOPIC = "arn:aws:sns:us-west-2:123456789012:dr"


def test_a_plan_may_name_whom_it_tells_what():
    """Topics and buses, each everything or some of it; without the key nobody, and the digest is as before."""
    text = f"notify: [{{sns: '{TOPIC}', on: [approval, end]}}, {{events: default}}]\n"
    topic, bus = parse_runbook(SMALL + text).plan.notify
    assert (TOPIC, (NoticeKind.APPROVAL, NoticeKind.END), True) == (topic.address, topic.kinds, topic.is_topic)
    assert ("default", (), False) == (bus.address, bus.kinds, bus.is_topic)
    assert all(bus.wants(kind) for kind in NoticeKind)
    assert [False, True] == [topic.wants(NoticeKind.START), topic.wants(NoticeKind.END)]
    assert () == parse_runbook(SMALL).plan.notify


@pytest.mark.parametrize(
    ("written", "key", "remedy"),
    [
        ("[{sns: dr}]", "notify[0].sns", "write the ARN of a topic such as arn:aws:sns:us-west-2:123456789012:dr"),
        (f"[{{events: '{TOPIC}'}}]", "notify[0].events", "write the name of an event bus such as default"),
        (f"[{{sns: '{TOPIC}', events: default}}]", "notify[0]", "write either sns or events"),
        ("[{on: [end]}]", "notify[0]", "write either sns or events"),
        ("[{events: dr, on: [ende]}]", "notify[0].on[0]", "input should be 'start', 'approval'"),
        ("[{events: dr, on: []}]", "notify[0].on", "name some of start, approval"),
        ("[{events: dr}, {events: dr}]", "notify[1].events", "dr is target 1, too"),
        ("[{email: mira@example.com}]", "notify[0].email", "the key is unknown"),
        ("", "notify", "name a topic"),
        (str([{"events": f"b{number}"} for number in range(6)]), "notify", "at most 5 items"),
    ],
)
def test_what_names_nobody_is_refused(written, key, remedy):
    """With the place, and what to write instead."""
    (text,) = complaints(SMALL + f"notify: {written}\n")
    assert key == text.split(": ")[1]
    assert remedy in text


# --- budget ----------------------------------------------------------------------------------------------------------


def test_a_plan_may_say_what_its_executions_may_cost():
    """Exactly; for how long an instance is taken to run, and by which prices."""
    assert parse_runbook(SMALL).plan.budget is None
    assert BudgetPolicy(max_usd=Decimal("49.5")) == parse_runbook(SMALL + "budget: {max_usd: 49.50}\n").plan.budget
    found = parse_runbook(SMALL + "budget: {max_usd: 200, run: PT2H, prices: ours.yaml}\n").plan.budget
    assert BudgetPolicy(max_usd=Decimal(200), run=timedelta(hours=2), prices="ours.yaml") == found


@pytest.mark.parametrize(
    ("written", "key", "remedy"),
    [
        ("", "budget", "say max_usd: 200, or remove the key"),
        ("{run: PT2H}", "budget.max_usd", "the key is missing"),
        ("{max_usd: 0}", "budget.max_usd", "write an amount of US dollars above nothing"),
        ("{max_usd: 1e9}", "budget.max_usd", "write an amount of US dollars"),
        ("{max_usd: $20}", "budget.max_usd", "write an amount of US dollars"),
        ("{max_usd: 0.001}", "budget.max_usd", "write an amount of US dollars"),
        ("{max_usd: 20, run: 2 hours}", "budget.run", "write for example PT45M"),
        ("{max_usd: 20, prices: ''}", "budget.prices", "name a file of prices"),
        ("{max_usd: 20, max_eur: 20}", "budget.max_eur", "the key is unknown"),
    ],
)
def test_a_budget_that_is_none_is_refused(written, key, remedy):
    """With the place, and what to write instead."""
    (text,) = complaints(SMALL + f"budget: {written}\n")
    assert key == text.split(": ")[1]
    assert remedy in text
