"""A run that was tampered with, in five ways, and what `drskit verify` says: alone, and beside the tables.

Each kind is done clumsily, and as well as somebody can who knows how the chain is made: every event after the change
is sealed anew, and the header counts and names what is there.
"""

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from drskit.clock import VirtualClock
from drskit.model import Event
from drskit.report.context import Context
from drskit.report.evidence import load_execution_json, report_made_again, write_run
from drskit.seals import context_digest
from drskit.sim import serve
from drskit.surroundings import RENDERER, versions
from tests.cli.plans import runbook, world
from tests.cli.shell import Shell

History = list[dict[str, Any]]
AT = 5
"""The event that is tampered with."""


@dataclass(frozen=True)
class Run:
    """A drill's run, and a terminal where its tables are."""

    shell: Shell
    folder: Path


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """One drill for all of them, its world still served."""
    told = world()
    with serve(told, VirtualClock(told.start_time)) as server:
        shell = Shell(tmp_path_factory.mktemp("verify"), server.environment(), server)
        shell.write("tiny.yaml", runbook())
        shell.run("tables", "create")
        execution_id = shell.start("tiny.yaml")
        shell.finish(execution_id)
        shell.run("report", execution_id, "--format", "json", "--output", "found.json")
        found = load_execution_json(shell.folder / "found.json")
        end = found.execution.end_time
        context = Context(made_at=end, versions=versions())
        written = write_run(
            shell.folder / "runs", found.execution, found.events, found.logs, now=end, context=context
        )  # fmt: skip
        yield Run(shell, written.folder)


@pytest.fixture
def run(original: Run, tmp_path: Path) -> Run:
    """A copy to tamper with."""
    shutil.copytree(original.folder, tmp_path / "run")
    return Run(original.shell, tmp_path / "run")


def tampered(run: Run, change: Callable[[dict[str, Any]], None]) -> None:
    file = run.folder / "execution.json"
    found = json.loads(file.read_text(encoding="utf-8"))
    change(found)
    file.write_text(json.dumps(found), encoding="utf-8")
    (run.folder / "report.html").unlink()


def sealed(found: dict[str, Any], after: int = 0) -> None:
    """Number and seal every event from there on anew, and let the header say so."""
    events: list[Event] = []
    for number, told in enumerate(found["History"], 1):
        event = Event.model_validate(told)
        if number > after:
            event = event.model_copy(update={"sequence": number}).sealed(events[-1].hash if events else "")
        events.append(event)
    found["History"] = [event.to_json() for event in events]
    found["Events"], found["Head"] = len(events), events[-1].hash


def edit(found: dict[str, Any]) -> None:
    found["History"][AT - 1]["Actor"] = "somebody"


def delete(found: dict[str, Any]) -> None:
    del found["History"][AT - 1]


def reorder(found: dict[str, Any]) -> None:
    history = found["History"]
    history[AT - 1], history[AT] = history[AT], history[AT - 1]


def truncate(found: dict[str, Any]) -> None:
    del found["History"][AT - 1 :]


def rewrite(found: dict[str, Any]) -> None:
    for event in found["History"][AT - 1 :]:
        event["Actor"] = "somebody"


KINDS = [edit, delete, reorder, truncate, rewrite]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("tables", [True, False], ids=["beside-the-tables", "alone"])
def test_a_run_that_was_tampered_with_names_the_first_altered_event(run, kind, tables):
    """From the folder alone as well as beside the tables."""
    tampered(run, kind)
    words = ["verify", str(run.folder), *([] if tables else ["--offline"])]
    said = run.shell.json(*words, code=2)
    assert AT == said["FirstAltered"]
    assert f"The first event that is not as it was written: {AT}." in run.shell.run(*words, code=2).stdout


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_run_whose_chain_was_made_anew_is_told_by_the_tables(run, kind):
    """Whoever seals all of it again makes a whole chain; the tables' own events tell."""

    def forge(found: dict[str, Any]) -> None:
        kind(found)
        sealed(found)

    tampered(run, forge)
    said = run.shell.json("verify", str(run.folder), code=2)
    if kind is truncate:  # what is left are the first of the tables' events; the execution is ahead of its history
        assert any("more events: this run is as of event 4" in note for note in said["Notes"])
        assert any(" here, and " in fault for fault in said["Faults"])
    else:
        assert AT == said["FirstAltered"]
        assert any(
            f"Event {AT} " in fault and "is not the one that the tables hold" in fault for fault in said["Faults"]
        )


def test_only_the_tables_can_tell_a_whole_history_that_was_rewritten(run):
    """Alone it is said that this cannot show."""

    def forge(found: dict[str, Any]) -> None:
        rewrite(found)
        sealed(found)

    tampered(run, forge)
    alone = run.shell.json("verify", str(run.folder), "--offline")
    assert ([], None) == (alone["Faults"], alone["FirstAltered"])
    assert any("that all of it was rewritten cannot show" in note for note in alone["Notes"])


def test_an_untouched_run_agrees_with_its_tables_and_its_report(run):
    """With 0, and both said."""
    said = run.shell.run("verify", str(run.folder)).stdout
    assert "is whole" in said
    assert "The tables hold the same history, down to its last event" in said
    assert "report.html is the one that this evidence makes." in said


def test_a_run_is_held_against_what_lists_show_of_it(run):
    """The summary in the tables that `executions list` reads: the run and the tables' history are whole."""
    folder = json.loads((run.folder / "execution.json").read_text(encoding="utf-8"))
    key = {"ExecutionId": {"S": folder["ExecutionId"]}, "PlanId": {"S": folder["PlanId"]}}
    keys = {"aws_access_key_id": "simulated", "aws_secret_access_key": "simulated"}
    tables = boto3.client("dynamodb", "us-west-2", endpoint_url=run.shell.variables["AWS_ENDPOINT_URL"], **keys)
    table = "drs-orchestration-execution-history-dev"
    header = tables.get_item(TableName=table, Key=key)["Item"]
    forged = json.loads(json.dumps(header["Waves"]).replace("COMPLETED", "FAILED"))
    change = {"UpdateExpression": "SET #waves = :waves", "ExpressionAttributeNames": {"#waves": "Waves"}}
    tables.update_item(TableName=table, Key=key, ExpressionAttributeValues={":waves": forged}, **change)
    said = run.shell.json("verify", str(run.folder), code=2)
    tables.update_item(TableName=table, Key=key, ExpressionAttributeValues={":waves": header["Waves"]}, **change)
    assert said["Faults"]
    assert all(fault.startswith("Lists show wave ") for fault in said["Faults"])


def test_a_report_that_was_edited_is_not_what_its_evidence_makes(run):
    """The file that an auditor opens."""
    file = run.folder / "report.html"
    file.write_text(file.read_text(encoding="utf-8").replace("COMPLETED", "PERFECT", 1), encoding="utf-8")
    said = run.shell.json("verify", str(run.folder), code=2)
    assert any("report.html is not the one that this evidence makes" in fault for fault in said["Faults"])


def made_by_another(run: Run, name: str, said: str | None) -> None:
    """As if another drskit had written the run: its context says so, or nothing of it, and is sealed."""
    file = run.folder / "context.json"
    context = Context.model_validate_json(file.read_text(encoding="utf-8"))
    others = {key: value for key, value in context.versions.items() if key != name}
    context = context.model_copy(update={"versions": others | ({name: said} if said else {})})
    file.write_text(json.dumps(context.to_json()), encoding="utf-8")
    evidence = run.folder / "execution.json"
    found = json.loads(evidence.read_text(encoding="utf-8")) | {"ContextDigest": context_digest(context)}
    evidence.write_text(json.dumps(found), encoding="utf-8")


@pytest.mark.parametrize(("name", "said"), [("drskit", "0.0.9"), (RENDERER, "0123456789abcdef")])
def test_a_report_of_another_renderer_is_held_against_its_digest(run, name, said):
    """It is drawn otherwise, also within one version; that it is as it was written can be told, and all else is."""
    made_by_another(run, name, said)
    notes = run.shell.json("verify", str(run.folder))["Notes"]
    (told,) = [note for note in notes if note.startswith("report.html")]
    assert said in told
    assert "It has the digest that execution.json keeps of it." in told
    file = run.folder / "report.html"
    file.write_text(file.read_text(encoding="utf-8").replace("COMPLETED", "PERFECT", 1), encoding="utf-8")
    (fault,) = run.shell.json("verify", str(run.folder), code=2)["Faults"]
    assert "neither the one whose digest execution.json keeps nor what this drskit makes" in fault
    assert "If the evidence is as it was, make the report again: drskit report" in fault


def keep_digest(run: Run, digest: object) -> None:
    """Write another digest of the report, or none."""
    evidence = run.folder / "execution.json"
    found = json.loads(evidence.read_text(encoding="utf-8"))
    assert 64 == len(found.pop("ReportDigest"))
    evidence.write_text(json.dumps(found | ({"ReportDigest": digest} if digest else {})), encoding="utf-8")


@pytest.mark.parametrize(
    ("digest", "fault"), [(None, "ReportDigest is missing"), ([1], "neither the one whose digest execution.json keeps")]
)
def test_a_report_is_not_cleared_by_a_digest_that_was_taken_away(run, digest, fault):
    """Each drskit that tells its renderer keeps one, and a text it is."""
    made_by_another(run, RENDERER, "0123456789abcdef")
    keep_digest(run, digest)
    assert any(fault in found for found in run.shell.json("verify", str(run.folder), code=2)["Faults"])


def edited(file: Path) -> None:
    """The file that an auditor opens, prettier than what happened."""
    file.write_text(file.read_text(encoding="utf-8").replace("COMPLETED", "PERFECT", 1), encoding="utf-8")


@pytest.mark.parametrize("context", [True, False])
def test_a_report_made_again_in_its_place_is_the_runs_own(run, context):
    """By the drskit that finds it drawn otherwise, or edited, or without its context; an edit after that is found."""
    made_by_another(run, RENDERER, "0123456789abcdef")
    keep_digest(run, "0" * 64)
    if not context:
        found = json.loads((run.folder / "execution.json").read_text(encoding="utf-8"))
        found.pop("ContextDigest")
        (run.folder / "execution.json").write_text(json.dumps(found), encoding="utf-8")
        (run.folder / "context.json").unlink()
    file = run.folder / "report.html"
    edited(file)
    run.shell.run("verify", str(run.folder), code=2)
    run.shell.run("report", str(run.folder), "--output", str(file))
    run.shell.run("verify", str(run.folder))
    edited(file)
    (fault,) = run.shell.json("verify", str(run.folder), code=2)["Faults"]
    assert "report.html is not the one that" in fault


def test_a_report_that_a_second_drskit_made_again_is_held_against_its_digest_by_a_third(run):
    """Not taken for an edit of what the first one wrote, and said whose it is; one that was edited is found."""
    evidence, file = run.folder / "execution.json", run.folder / "report.html"
    edited(file)
    report_made_again(evidence, versions() | {RENDERER: "fedcba9876543210"})
    notes = run.shell.json("verify", str(run.folder))["Notes"]
    (told,) = [note for note in notes if note.startswith("report.html")]
    assert "report.html was made again by drskit" in told
    assert "with renderer fedcba9876543210" in told
    assert "It has the digest that execution.json keeps of it." in told
    file.write_text(file.read_text(encoding="utf-8").replace("PERFECT", "SPLENDID", 1), encoding="utf-8")
    (fault,) = run.shell.json("verify", str(run.folder), code=2)["Faults"]
    assert "neither the one whose digest execution.json keeps nor what this drskit makes" in fault
    keep_digest(run, None)
    (fault,) = run.shell.json("verify", str(run.folder), code=2)["Faults"]
    assert "ReportDigest is missing" in fault


def test_who_makes_a_report_again_keeps_its_digest_whatever_versions_it_tells(run):
    """An edited report is not cleared by the name of a drskit so old that it kept none."""
    edited(run.folder / "report.html")
    report_made_again(run.folder / "execution.json", {"drskit": "0.0.1"})
    keep_digest(run, None)
    (fault,) = run.shell.json("verify", str(run.folder), code=2)["Faults"]
    assert "ReportDigest is missing" in fault


def test_no_report_takes_the_place_of_one_that_is_made_of_other_evidence(run):
    """From the tables, which may know more than the run: its folder is to be named."""
    file = run.folder / "report.html"
    before = file.read_bytes()
    execution_id = json.loads((run.folder / "execution.json").read_text(encoding="utf-8"))["ExecutionId"]
    said = run.shell.complaint("report", execution_id, "--output", str(file))
    assert f"drskit report {run.folder} --output {file}" in said
    assert before == file.read_bytes()
    run.shell.run("report", execution_id, "--format", "md", "--output", str(run.folder / "report.md"))


def test_a_report_of_a_copy_leaves_the_evidence_as_it_was(run):
    """Alone in a folder the report is written; beside another evidence it would take the place of that one's."""
    evidence, report = run.folder / "execution.json", run.folder / "report.html"
    before = report.read_bytes()
    alone = run.folder / "elsewhere"
    alone.mkdir()
    for folder in (alone, run.folder):
        shutil.copy(evidence, folder / "copy.json")
    run.shell.run("report", str(alone / "copy.json"), "--output", str(alone / "report.html"))
    assert evidence.read_bytes() == (alone / "copy.json").read_bytes()
    said = run.shell.complaint("report", str(run.folder / "copy.json"), "--output", str(report))
    assert f"drskit report {run.folder} --output {report}" in said
    assert (before, evidence.read_bytes()) == (report.read_bytes(), (run.folder / "copy.json").read_bytes())


def test_a_report_that_is_missing_or_has_no_context_is_said(run):
    """An edit is found by the digest alone; where the file is gone, that is told."""
    evidence = run.folder / "execution.json"
    found = json.loads(evidence.read_text(encoding="utf-8"))
    found.pop("ContextDigest")
    evidence.write_text(json.dumps(found), encoding="utf-8")
    (run.folder / "context.json").unlink()
    file = run.folder / "report.html"
    file.write_text(file.read_text(encoding="utf-8").replace("COMPLETED", "PERFECT", 1), encoding="utf-8")
    (fault,) = run.shell.json("verify", str(run.folder), code=2)["Faults"]
    assert "report.html is not the one that was written with this run" in fault
    file.unlink()
    notes = run.shell.json("verify", str(run.folder))["Notes"]
    assert any("report.html is missing, and this run was written with one" in note for note in notes)


def test_a_report_without_a_digest_is_not_judged_by_another_renderer(run):
    """An older drskit told no renderer and kept none; nobody can tell then, and that is said."""
    made_by_another(run, RENDERER, None)
    keep_digest(run, None)
    notes = run.shell.json("verify", str(run.folder))["Notes"]
    assert any("cannot tell whether it was edited: an older drskit kept no digest of it" in note for note in notes)


def test_tables_that_cannot_be_reached_are_said_and_are_no_fault(run, tmp_path):
    """An auditor's machine has no AWS."""
    said = Shell(tmp_path).json("verify", str(run.folder))
    assert any("The tables were not reached" in note and "No Region is set" in note for note in said["Notes"])


def test_a_run_of_an_execution_that_the_tables_lack_says_so(run, open_shell):
    """Another world, or another account."""
    said = open_shell().json("verify", str(run.folder))
    assert any("The tables do not have this execution" in note for note in said["Notes"])


def test_a_run_that_was_written_before_the_execution_went_on_is_no_fault(original, tmp_path):
    """Its events are the first of the tables'."""
    shell = original.shell
    execution_id = shell.start("tiny.yaml")
    shell.run("poll")
    shell.run("report", execution_id, "--format", "json", "--output", str(tmp_path / "execution.json"))
    shell.finish(execution_id)
    said = shell.json("verify", str(tmp_path))
    assert any("this run is as of event" in note for note in said["Notes"])
