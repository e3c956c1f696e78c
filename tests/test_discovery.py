"""Source servers as a notebook sees them: in a world where not all is well, and groups written into runbooks."""

import pytest

from drskit.discovery import Discovery, DiscoveryParameters, open_discovery
from drskit.errors import ChangedMeanwhile, InvalidInput, InvalidRunbook, NotFound
from drskit.recoverable import Verdict
from drskit.runbook import load_runbook, parse_runbook
from drskit.views.discover_panel import DiscoverPanel
from tests.harness import house

DATABASE, APP, WEB = "s-5a11c0de5ba5e0001", "s-5a11c0de5ba5e0002", "s-5a11c0de5ba5e0004"
MANY = """
region: us-west-2
start: 2026-03-02T09:00:00Z
generate:
  - {count: 104, names: "app-{number:03d}"}
servers:
  - {id: s-0000000000000000a, name: zulu, replication: {state: STOPPED}}
"""
ONE_BY_ONE = ("DescribeRecoverySnapshots", "GetLaunchConfiguration")
OTHER = f"""\
version: 1
plan: other
sites: {{main: {{region: us-west-2}}}}
groups: {{web: {{select: {{servers: [{WEB}]}}}}}}
waves: [{{name: Web, groups: [web]}}]
"""


@pytest.fixture(scope="module")
def home():
    with house("estate") as found:
        yield found


@pytest.fixture
def discovery(home, tmp_path, monkeypatch):
    """A discovery in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    return Discovery(home.another_session(), DiscoveryParameters())


def test_unprotected_servers_and_those_that_cannot_be_recovered_are_told(discovery):
    """With what DRS says, asked server by server."""
    found = {line.name: line for line in discovery.estate.lines}
    assert {"files-2", "legacy-batch", "monitoring", "reports"} == {
        name for name, line in found.items() if line.verdict is Verdict.NO
    }
    assert "it has no recovery snapshot" == found["monitoring"].findings[0].what
    assert {"crm-app-2", "files-1"} == {name for name, line in found.items() if line.verdict is Verdict.RISKY}
    assert "DRILL LAUNCHED 2026-02-16 22:10:00Z" == found["crm-app-1"].last_launch
    assert "INITIAL_SYNC 38 %" == found["reports"].replication


def test_a_group_is_made_in_a_new_runbook_and_extended_in_it(discovery, tmp_path):
    """By name or id; the names of the servers stand beside their ids, and comments stay."""
    made = discovery.propose("runbooks/crm.yaml", "front", servers=["crm-web"])
    assert not (tmp_path / "runbooks").exists()
    discovery.write(made)
    path = tmp_path / "runbooks" / "crm.yaml"
    path.write_text("# mine\n" + path.read_text())
    discovery.write(discovery.propose("runbooks/crm.yaml", "front", servers=[APP]))
    assert path.read_text().startswith("# mine\n")
    assert f"        - {WEB}   # crm-web\n        - {APP}   # crm-app-1\n" in path.read_text()
    runbook = load_runbook(path)
    assert ("crm", (WEB, APP)) == (runbook.plan.plan_id, runbook.groups[0].servers)


def test_a_group_of_tags_in_no_wave_is_told(discovery):
    """Nobody would launch it."""
    discovery.write(discovery.propose("runbooks/crm.yaml", "front", servers=["crm-web"]))
    proposal = discovery.propose("runbooks/crm.yaml", "data", tags=["Tier=database", "Application=crm"])
    assert {"Tier": "database", "Application": "crm"} == proposal.draft.runbook.groups[1].tags
    assert "Group data is in no wave yet" in proposal.remark


def test_what_cannot_be_made_is_refused_and_nothing_is_written(discovery, tmp_path):
    """An unknown server, no tag, no name for a plan, a file that changed meanwhile."""
    with pytest.raises(NotFound, match="DRS has no source server nobody in us-west-2"):
        discovery.propose("runbooks/crm.yaml", "web", servers=["nobody"])
    with pytest.raises(InvalidInput, match="'Tier' is no tag"):
        discovery.propose("runbooks/crm.yaml", "web", tags=["Tier"])
    with pytest.raises(InvalidInput, match="'My Plan' cannot name a plan"):
        discovery.propose("runbooks/My Plan.yaml", "web", servers=[WEB])
    proposal = discovery.propose("runbooks/crm.yaml", "web", servers=[WEB])
    (tmp_path / "runbooks").mkdir()
    (tmp_path / "runbooks" / "crm.yaml").write_text("theirs")
    with pytest.raises(ChangedMeanwhile, match="was made by somebody else"):
        discovery.write(proposal)


def test_a_server_of_another_plan_is_shown_as_protected_and_stays_there(discovery, tmp_path):
    """A server is in one group at most, over all plans."""
    discovery.session.apply(parse_runbook(OTHER))
    try:
        line = next(line for line in discovery.look().lines if line.server.source_server_id == WEB)
        assert ("other.web",) == line.groups
        proposal = discovery.propose("runbooks/crm.yaml", "front", servers=[WEB])
        with pytest.raises(InvalidRunbook, match=f"{WEB} is in group other.web already"):
            discovery.write(proposal)
        assert not (tmp_path / "runbooks").exists()
    finally:
        discovery.session.store.delete_plan("other")


def test_an_error_is_told_in_its_cell_and_raised_in_the_last(home, tmp_path, monkeypatch):
    """So that whoever runs the notebook without looking at it is told."""
    monkeypatch.chdir(tmp_path)
    wanted = DiscoveryParameters(runbook="runbooks/crm.yaml", group="web", servers=["nobody"])
    discovery = Discovery(home.another_session(), wanted)
    told = discovery.build()
    assert 'role="alert"' in told._repr_html_()
    with pytest.raises(NotFound):
        discovery.judge()


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ({"runbook": "runbooks/crm.yaml"}, "A group needs the runbook"),
        ({"group": "web"}, "A group needs the runbook"),
        ({"group": "web", "runbook": "a.yaml"}, "Group web needs servers or tags"),
        ({"servers": ["a"], "tags": ["b=c"]}, "two ways to choose"),
        ({"server": ["a"]}, "server = "),
    ],
)
def test_parameters_that_contradict_each_other_are_refused(wanted, words):
    """Before anything is asked."""
    with pytest.raises(InvalidInput, match=words):
        open_discovery(**wanted)


def test_lists_come_as_runners_pass_them():
    """JSON, or words between commas."""
    found = DiscoveryParameters(servers="a, b", tags='["Tier=web"]')
    assert (["a", "b"], ["Tier=web"]) == (found.servers, found.tags)


# --- what it asks ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def many():
    """A world of more servers than are asked about at the first look."""
    with house(text=MANY) as found:
        yield found


@pytest.fixture
def asked(many, tmp_path, monkeypatch):
    """A discovery there, and the calls of DRS that its clients make."""
    monkeypatch.chdir(tmp_path)
    session, calls = many.another_session(), []
    session.clients._session.events.register("before-call.drs", lambda model, **_: calls.append(model.name))
    return Discovery(session, DiscoveryParameters(simulate=False)), calls


def test_a_look_asks_about_no_server_twice_and_about_no_more_than_are_shown(asked):
    """Two calls each of the first hundred, those that cannot be recovered first; a few for all of them together."""
    discovery, calls = asked
    lines = discovery.estate.lines
    assert [100, 100] == [calls.count(name) for name in ONE_BY_ONE]
    assert len(calls) - 200 <= 6, "servers and jobs, by pages"
    assert ("zulu", Verdict.NO) == (lines[0].name, lines[0].verdict)
    assert [Verdict.YES] * 99 + [Verdict.UNKNOWN] * 5 == [line.verdict for line in lines[1:]]
    assert "5 servers more: DRS was not asked" in discovery.troubles()._repr_html_()
    assert [100, 100] == [calls.count(name) for name in ONE_BY_ONE]


def test_what_a_person_comes_to_see_is_asked_about_then(asked):
    """By more of the list, or by a filter; what was asked before is not asked again."""
    discovery, calls = asked
    panel = DiscoverPanel(discovery)
    panel._draw()
    panel.more.click()
    assert [100, 100] == [calls.count(name) for name in ONE_BY_ONE]
    panel.filter.value = "app-104"
    assert [101, 101] == [calls.count(name) for name in ONE_BY_ONE]
    panel.filter.value = ""
    panel.more.click()
    assert [101, 101] == [calls.count(name) for name in ONE_BY_ONE]
    panel.more.click()
    assert [105, 105] == [calls.count(name) for name in ONE_BY_ONE]
    assert "not asked" not in panel.summary.value + "".join(row.children[1].value for row in panel.rows.children)


def test_another_look_asks_again_about_all_that_is_shown(asked):
    """What an earlier look was told is not shown as of now."""
    discovery, calls = asked
    panel = DiscoverPanel(discovery)
    panel.more.click()
    panel.more.click()
    assert [105, 105] == [calls.count(name) for name in ONE_BY_ONE]
    panel.again.click()
    assert [210, 210] == [calls.count(name) for name in ONE_BY_ONE]
    panel.filter.value = "app-104"
    panel.again.click()
    assert [211, 211] == [calls.count(name) for name in ONE_BY_ONE]
    assert 104 == len(discovery.not_asked(line.server.source_server_id for line in discovery.estate.lines))


def test_a_call_that_is_throttled_does_not_end_the_look():
    """One of many: it is made again."""
    fault = "faults: [{operation: GetLaunchConfiguration, kind: throttle, server: s-0000000000000000a, times: 1}]\n"
    with house(text=MANY + fault) as found:
        discovery = Discovery(found.session, DiscoveryParameters(simulate=False, show_only="zulu"))
        assert ("zulu", Verdict.NO) == (discovery.estate.lines[0].name, discovery.estate.lines[0].verdict)
        assert [] == discovery.not_asked(["s-0000000000000000a"])
