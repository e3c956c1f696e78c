"""execution.json: its contract, and that it comes back as it went."""

import json
import stat

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drskit.errors import InvalidInput
from drskit.model import AttemptStatus, ExecutionHeader, ExecutionStatus, JobSummary, Mode, WaveStatus, WaveSummary
from drskit.report.evidence import (
    SCHEMA_VERSION,
    execution_json,
    header_json,
    load_execution_json,
    write_file,
    write_run,
)
from tests.report import samples

STORIES = [
    samples.completed,
    samples.failing,
    samples.under_way,
    samples.waiting_for_approval,
    samples.large,
    samples.hostile,
]


def json_of(sample):
    return execution_json(sample.execution, sample.events, sample.logs)


@pytest.mark.parametrize("story", STORIES)
def test_what_was_written_is_read_back_the_same(story, tmp_path):
    """Nothing is lost on the way through JSON."""
    sample = story()
    file = tmp_path / "execution.json"
    file.write_text(json.dumps(json_of(sample)))
    found = load_execution_json(tmp_path)
    assert (sample.execution, sample.events, sample.logs) == (found.execution, found.events, found.logs)


@settings(max_examples=30)  # each writes a whole run, its report too
@given(text=st.text(max_size=40), facts=st.dictionaries(st.text(max_size=5), st.integers() | st.none(), max_size=3))
def test_any_text_comes_back(text, facts, tmp_path_factory):
    """Also what no encoding can hold: it is escaped as JSON."""
    sample = samples.waiting_for_approval()
    execution = sample.execution.model_copy(update={"started_by": text})
    event = sample.events[0].model_copy(update={"facts": facts})
    folder = tmp_path_factory.mktemp("run")
    written = write_run(folder, execution, (event,), (), now=sample.now)
    found = load_execution_json(written.folder)
    assert (execution, (event,)) == (found.execution, found.events)


def test_the_contract_of_the_json():
    """The names that other programs rely on; absent values are null; times end in Z."""
    found = json_of(samples.failing())
    top = [
        "ExecutionId",
        "PlanId",
        "ExecutionType",
        "Mode",
        "Status",
        "WaitingFor",
        "StartTime",
        "EndTime",
        "Version",
        "Waves",
    ]
    server = ["SourceServerId", "Status", "LaunchStatus", "RecoveryInstanceId", "StartTime", "EndTime", "Error"]
    assert [] == [name for name in top if name not in found]
    wave = found["Waves"][1]
    assert [] == [
        name for name in ("WaveName", "Status", "StartTime", "EndTime", "Jobs", "Servers") if name not in wave
    ]
    assert [] == [name for name in server if name not in wave["Servers"][0]]
    assert "2026-11-23T19:15:06Z" == found["StartTime"]
    assert None is found["WaitingFor"]
    assert None is found["Waves"][2]["Servers"][0]["Error"]
    assert [
        {
            "JobId": "drsjob-000000000000002d0",
            "Attempt": 1,
            "CreationTime": "2026-11-23T19:27:06Z",
            "EndTime": "2026-11-23T19:36:26Z",
        }
    ] == wave["Jobs"]


def test_only_jobs_of_ours_are_listed():
    """A foreign job stands in the attempts, with its outcome."""
    execution = samples.completed().execution
    foreign = execution.attempts[0].model_copy(update={"status": AttemptStatus.FOREIGN, "job_id": "drsjob-theirs"})
    found = execution_json(execution.model_copy(update={"attempts": (foreign,)}))
    assert [] == found["Waves"][0]["Jobs"]
    assert "drsjob-theirs" == found["Attempts"][0]["JobId"]


def test_a_header_has_the_same_shape_without_servers():
    """What a header does not know is null."""
    wave = WaveSummary(
        wave_name="Database",
        status=WaveStatus.IN_PROGRESS,
        servers={"LAUNCHING": 2},
        jobs=(JobSummary(job_id="drsjob-1", attempt=2),),
    )
    header = ExecutionHeader(
        execution_id="01J",
        plan_id="shop",
        execution_type="DRILL",
        mode=Mode.SIMULATED,
        status=ExecutionStatus.POLLING,
        start_time=samples.START,
        version=3,
        account_id="123456789012",
        region="us-west-2",
        started_by="mira",
        waves=(wave,),
    )
    found = header_json(header)
    assert None is found["EndTime"]
    assert "Servers" not in found["Waves"][0]
    assert {"LAUNCHING": 2} == found["Waves"][0]["ServerCounts"]
    job = {"JobId": "drsjob-1", "Attempt": 2, "CreationTime": None, "EndTime": None}
    assert [job] == found["Waves"][0]["Jobs"]


def test_a_run_is_written_whole_and_for_its_owner_only(tmp_path):
    """Three files, nothing else, and a second writing replaces the first."""
    sample = samples.completed()
    for _ in range(2):
        written = write_run(tmp_path, sample.execution, sample.events, sample.logs, now=sample.now)
    assert {"execution.json", "context.json", "report.html"} == {path.name for path in written.folder.iterdir()}
    assert 0o600 == stat.S_IMODE(written.evidence.stat().st_mode)
    assert written.report.read_text().startswith("<!doctype html>")


@pytest.mark.parametrize(
    ("tampered", "told"),
    [
        (lambda file: None, ()),
        (lambda file: file.write_text(json.dumps(json.loads(file.read_text()))), ()),
        (
            lambda file: file.write_text(json.dumps(json.loads(file.read_text()) | {"Cleanups": []})),
            ("context.json is not the one that was written with this run.",),
        ),
        (lambda file: file.unlink(), ("context.json is missing, and this run was written with one.",)),
    ],
    ids=["untouched", "laid out otherwise", "edited", "deleted"],
)
def test_a_context_that_was_changed_or_taken_away_shows(tampered, told, tmp_path):
    """Its digest stands in the evidence."""
    sample = samples.after_cleanup()
    written = write_run(
        tmp_path, sample.execution, sample.events, sample.logs, now=sample.now, context=samples.beside(sample)
    )
    tampered(written.context)
    assert told == load_execution_json(written.folder).strays


def test_a_run_of_an_older_drskit_has_no_seal_of_its_context(tmp_path):
    """That is no fault of it."""
    sample = samples.completed()
    written = write_run(tmp_path, sample.execution, sample.events, sample.logs, now=sample.now)
    found = json.loads(written.evidence.read_text())
    assert 64 == len(found.pop("ContextDigest"))
    written.evidence.write_text(json.dumps(found))
    assert () == load_execution_json(written.folder).strays


@pytest.mark.parametrize("name", ["../x", "/etc/x", "", ".", "..", "a/b", "a\x00b", "-x", "x" * 200])
def test_a_run_never_leaves_its_folder(name, tmp_path):
    """Whatever the execution is called."""
    sample = samples.completed()
    execution = sample.execution.model_copy(update={"execution_id": name})
    with pytest.raises(InvalidInput, match="cannot be a name"):
        write_run(tmp_path / "runs", execution, (), (), now=sample.now)
    assert [] == list(tmp_path.iterdir())


def test_a_run_does_not_follow_a_link_out_of_its_folder(tmp_path):
    """A folder that was put there by somebody else."""
    outside = tmp_path / "outside"
    outside.mkdir()
    runs = tmp_path / "runs"
    runs.mkdir()
    sample = samples.completed()
    (runs / sample.execution.execution_id).symlink_to(outside)
    with pytest.raises(InvalidInput):
        write_run(runs, sample.execution, (), (), now=sample.now)
    assert [] == list(outside.iterdir())


def test_a_file_that_cannot_be_written_leaves_no_scrap(tmp_path):
    """A folder stands where the file should go."""
    (tmp_path / "execution.json" / "x").mkdir(parents=True)
    with pytest.raises(OSError, match=r"execution\.json"):
        write_file(tmp_path, "execution.json", "{}")
    assert ["execution.json"] == [path.name for path in tmp_path.iterdir()]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"SchemaVersion": 99}, "SchemaVersion is 99"),
        ({"Status": "DONE"}, "Status"),
        ({"StartTime": "yesterday"}, "StartTime"),
        ({"Waves": [{"WaveName": "Database", "Jobs": [], "Status": "NO"}]}, r"Waves\.0\.Status"),
        ({"History": [{"Sequence": "x"}]}, r"History\.0\."),
        ({"Surprise": 1}, "Surprise"),
    ],
)
def test_a_file_that_is_not_ours_is_refused_by_file_and_key(change, told, tmp_path):
    """Whoever edited it by hand learns where."""
    file = tmp_path / "execution.json"
    file.write_text(json.dumps(json_of(samples.completed()) | change))
    with pytest.raises(InvalidInput, match=f"execution.json.*{told}"):
        load_execution_json(file)


@pytest.mark.parametrize("text", ["", "[]", "{", "[" * 100_000])
def test_a_file_that_holds_no_object_is_refused(text, tmp_path):
    """Half a file, or another one."""
    file = tmp_path / "execution.json"
    file.write_text(text)
    with pytest.raises(InvalidInput, match=r"execution\.json"):
        load_execution_json(file)


def test_a_file_that_is_missing_is_named(tmp_path):
    """With what to give instead."""
    with pytest.raises(InvalidInput, match="cannot be read"):
        load_execution_json(tmp_path / "nowhere.json")


def test_the_schema_has_a_version():
    """A reader can tell."""
    assert SCHEMA_VERSION == json_of(samples.completed())["SchemaVersion"]
