"""From a runbook to an execution: groups resolved, servers checked, differences shown."""

import pytest

from drskit import planning
from drskit.errors import InvalidRunbook, Refused
from drskit.model import ExecutionStatus, GroupRun, Mode, ServerStatus, WaveStatus
from drskit.planning import applied, check_resolution, difference, execution_id_for, fresh_id, resolve, surprises
from drskit.runbook import parse_runbook
from tests.builders import START, at, sid, source

BOOK = parse_runbook(
    f"""\
version: 1
plan: shop
sites: {{main: {{region: us-west-2}}}}
groups:
  database: {{select: {{tags: {{App: shop, Tier: database}}}}, expect: 2}}
  web: {{select: {{servers: [{sid(3)}, {sid(4)}]}}}}
waves:
  - {{name: Database, groups: [database]}}
  - {{name: Web, groups: [web], optional: [{sid(4)}]}}
""",
    source="shop.yaml",
)
DATABASE = {"App": "shop", "Tier": "database"}
SERVERS = (source(1, tags=DATABASE), source(2, tags={**DATABASE, "More": "x"}), source(3), source(4))


def resolved(servers=SERVERS, book=BOOK):
    return tuple(resolve(group, servers) for group in book.groups)


def complaints(servers=SERVERS, others=(), book=BOOK):
    with pytest.raises(InvalidRunbook) as fault:
        check_resolution(book, resolved(servers, book), others)
    return fault.value.complaints


def stored(book=BOOK, servers=SERVERS, before=None):
    """The plan and the groups as the tables hold them."""
    plan, groups = applied(book, resolved(servers, book), before, by="mira", at=START)
    return plan, {group.group.group_id: group for group in groups}


def start(servers=SERVERS, **options):
    plan, groups = stored()
    given = {"execution_id": "E1", "mode": Mode.SIMULATED, "account_id": "1", "started_by": "mira", "at": at(0)}
    return planning.new_execution(plan, groups, resolved(servers), **given, **options)


# --- resolving -------------------------------------------------------------------------------------------------------


def test_a_group_by_tags_is_every_server_that_carries_all_of_them():
    """More tags do no harm; one missing or another value does."""
    extra = (source(5, tags={"App": "shop"}), source(6, tags={"App": "shop", "Tier": "Database"}))
    database, web = resolved((*extra, *SERVERS))
    assert ((sid(1), sid(2)), (sid(3), sid(4))) == (database.ids, web.ids)
    check_resolution(BOOK, (database, web))


def test_a_group_by_servers_keeps_the_file_s_order():
    """And tells which ones DRS does not have."""
    _, web = resolved((SERVERS[3], SERVERS[2]))
    assert ((sid(3), sid(4)), ()) == (web.ids, web.missing)
    _, web = resolved(SERVERS[:3])
    assert ((sid(3),), (sid(4),)) == (web.ids, web.missing)


def test_an_unknown_server_is_refused_where_it_is_listed():
    """With its line and position."""
    found = complaints(SERVERS[:3])
    text = f"DRS has no source server {sid(4)} in us-west-2. Correct the id, or remove it."
    assert f"shop.yaml:6: groups.web.select.servers[1]: {text}" == found[0]
    assert (
        f"shop.yaml:9: waves[1].optional[0]: {sid(4)} is in no group of wave Web. Correct the id, or remove it."
        == (found[1])
    )


def test_a_group_that_matches_nothing_is_refused():
    """An empty wave would be a success of nothing."""
    (text,) = complaints(SERVERS[2:])
    assert (
        "shop.yaml:5: groups.database.select: no source server in us-west-2 has the tags App=shop, Tier=database."
        in text
    )


def test_a_server_in_two_groups_by_its_tags_is_refused():
    """The file lists it in one group, its tags put it in the other."""
    servers = (*SERVERS[:3], source(4, tags=DATABASE))
    (text,) = complaints(servers)
    expected = f"{sid(4)} is in group shop.database, too; a server is in one group at most. Narrow one of them."
    assert f"shop.yaml:6: groups.web.select: {expected}" == text


def test_a_server_of_another_plan_s_group_is_refused():
    """As that group was when it was applied."""
    other = parse_runbook(
        "version: 1\nplan: other\nsites: {main: {region: us-west-2}}\n"
        "groups: {all: {select: {tags: {Tier: database}}}}\n"
        "waves: [{name: All, groups: [all]}]\n"
    )
    _, groups = stored(other)
    found = complaints(others=groups.values())
    assert 2 == len(found)
    assert f"groups.database.select: {sid(1)} is in group other.all, too;" in found[0]


def test_a_plan_is_no_stranger_to_itself():
    """Its own groups, as applied before, refuse nothing: a server may move from one to the other."""
    _, groups = stored()
    moved = {key: group.model_copy(update={"resolved": (sid(1), sid(3))}) for key, group in groups.items()}
    check_resolution(BOOK, resolved(), moved.values())


def test_a_server_of_another_wave_has_no_place_in_the_order():
    """It would be launched in neither place."""
    book = parse_runbook(
        f"version: 1\nplan: shop\nsites: {{main: {{region: us-west-2}}}}\ngroups:\n"
        f"  a: {{select: {{servers: [{sid(3)}]}}}}\n  b: {{select: {{servers: [{sid(4)}]}}}}\n"
        f"waves:\n  - {{name: A, groups: [a], order: [[{sid(3)}], [{sid(4)}]]}}\n  - {{name: B, groups: [b]}}\n"
    )
    (text,) = complaints(book=book)
    assert f"waves[0].order[1][0]: {sid(4)} is in no group of wave A. Correct the id, or remove it." in text


def test_an_optional_server_of_another_wave_is_refused():
    """It would be optional nowhere."""
    book = parse_runbook(
        f"version: 1\nplan: shop\nsites: {{main: {{region: us-west-2}}}}\ngroups:\n"
        f"  a: {{select: {{servers: [{sid(3)}]}}}}\n  b: {{select: {{servers: [{sid(4)}]}}}}\n"
        f"waves:\n  - {{name: A, groups: [a], optional: [{sid(4)}]}}\n  - {{name: B, groups: [b]}}\n"
    )
    (text,) = complaints(book=book)
    assert f"waves[0].optional[0]: {sid(4)} is in no group of wave A." in text


# --- applying --------------------------------------------------------------------------------------------------------


def test_the_first_apply_shows_everything_as_new():
    """Plan and groups, with their sizes."""
    assert (
        "plan shop: new, with 2 waves",
        "group shop.database: new, with 2 servers",
        "group shop.web: new, with 2 servers",
    ) == difference(None, {}, BOOK, resolved())


def test_the_same_apply_again_shows_nothing():
    """So nothing is written."""
    assert () == difference(*stored(), BOOK, resolved())


def test_every_change_is_a_line():
    """Keys of plan and groups, servers that came and went, groups that are gone."""
    plan, groups = stored()
    text = "version: 1\nplan: shop\ndescription: new\nsites: {main: {region: us-west-2}}\ngroups:\n"
    text += (
        "  database: {select: {tags: {App: shop}}}\nwaves:\n  - {name: Database, groups: [database], timeout: PT5M}\n"
    )
    book = parse_runbook(text)
    servers = (SERVERS[0], source(7, tags={"App": "shop"}))
    assert (
        'plan shop: Description changes from "" to "new"',
        "plan shop: wave Web: removed",
        'plan shop: wave Database: Timeout changes from "PT1H30M" to "PT5M"',
        'group shop.database: Tags changes from {"App": "shop", "Tier": "database"} to {"App": "shop"}',
        "group shop.database: Expect changes from 2 to null",
        f"group shop.database: + {sid(7)}",
        f"group shop.database: - {sid(2)}",
        "group shop.web: removed",
    ) == difference(plan, groups, book, resolved(servers, book))


def test_waves_that_change_places_are_a_change():
    """Their needs change with them, unless they are written down."""
    text = """\
version: 1
plan: shop
sites: {main: {region: us-west-2}}
groups: {a: {select: {tags: {T: a}}}, b: {select: {tags: {T: b}}}}
waves:
  - {name: A, groups: [a], needs: []}
  - {name: B, groups: [b], needs: []}
"""
    first, second = text.splitlines()[-2:]
    book, other = parse_runbook(text), parse_runbook(text.replace(f"{first}\n{second}", f"{second}\n{first}"))
    servers = (source(1, tags={"T": "a"}), source(2, tags={"T": "b"}))
    assert ("plan shop: the waves stand in another order",) == difference(
        *stored(book, servers), other, resolved(servers, other)
    )


def test_versions_count_up_and_the_live_execution_stays():
    """An apply in the middle of a drill frees nothing."""
    first, _ = stored()
    second, groups = stored(before=first.model_copy(update={"active_execution_id": "E1"}))
    assert (1, 2, "E1") == (first.version, second.version, second.active_execution_id)
    assert {2} == {group.version for group in groups.values()}
    assert BOOK.digest == second.digest


# --- starting --------------------------------------------------------------------------------------------------------


def test_a_new_execution_has_everything_before_it():
    """The plan frozen, every server pending, those of `optional` not critical."""
    execution = start(replace=("i-1",))
    assert (ExecutionStatus.PENDING, 1, at(0), ("i-1",)) == (
        execution.status,
        execution.version,
        execution.start_time,
        execution.replace,
    )
    assert (BOOK.plan, BOOK.digest) == (execution.plan, execution.digest)
    assert [WaveStatus.PENDING] * 2 == [run.status for run in execution.waves]
    servers = [server for run in execution.waves for server in run.servers]
    assert [sid(1), sid(2), sid(3), sid(4)] == [server.source_server_id for server in servers]
    assert {ServerStatus.PENDING} == {server.status for server in servers}
    assert [True, True, True, False] == [server.critical for server in servers]


@pytest.mark.parametrize("state", ["DISCONNECTED", "STOPPED", "INITIATING", "INITIAL_SYNC"])
def test_a_server_without_a_recovery_point_refuses_the_start(state):
    """Optional or not: DRS refuses a whole request that holds one."""
    servers = (*SERVERS[:3], source(4, replication_state=state))
    text = rf"1 servers have no usable recovery point.*server-4 \({sid(4)}\) is {state}\. Mend their replication"
    with pytest.raises(Refused, match=text):
        start(servers)


@pytest.mark.parametrize("state", ["CONTINUOUS", "BACKLOG", "STALLED", "RESCAN", "PAUSED", "CREATING_SNAPSHOT", ""])
def test_a_server_that_lags_can_be_launched(state):
    """Initial sync complete is enough, even in lag or stall (drs-facts §9)."""
    start((*SERVERS[:3], source(4, replication_state=state)))


def test_an_execution_records_how_its_groups_differ_from_the_apply():
    """Tags are resolved again at every start."""
    execution = start((SERVERS[0], source(7, tags=DATABASE), *SERVERS[2:]))
    expected = GroupRun(
        group_id="shop.database", servers=(sid(1), sid(7)), added=(sid(7),), removed=(sid(2),), expect=2
    )
    assert expected == execution.groups[0]
    assert (
        f"group shop.database: {sid(7)} is new since the last apply",
        f"group shop.database: {sid(2)} is gone since the last apply",
    ) == surprises(execution.groups)


def test_another_number_than_expected_is_a_surprise():
    """It is shown, not refused."""
    execution = start((SERVERS[0], *SERVERS[2:]))
    assert "group shop.database: 2 servers expected, 1 found" == surprises(execution.groups)[0]
    assert () == surprises(start().groups)


def test_the_same_key_is_the_same_execution():
    """Of one plan; without a key each start is its own."""
    assert execution_id_for("shop", "2026-11", "X") == execution_id_for("shop", "2026-11", "Y")
    ids = {execution_id_for("shop", "2026-11", "X"), execution_id_for("shop", "2026-12", "X")} | {
        execution_id_for("other", "2026-11", "X"),
        execution_id_for("shop2", "026-11", "X"),
        execution_id_for("shop", "", "X"),
        execution_id_for("shop", None, "X"),
    }
    assert 6 == len(ids)
    assert "X" in ids
    assert {26} == {len(name) for name in ids - {"X"}}


def test_fresh_ids_sort_by_their_time():
    """ULIDs."""
    assert fresh_id(at(0)) < fresh_id(at(1)) < fresh_id(at(86_400))
    assert fresh_id(at(0)) != fresh_id(at(0))
