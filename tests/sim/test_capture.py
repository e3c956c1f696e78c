"""A captured drill, played again."""

import json
import os
from datetime import datetime
from pathlib import Path

import pytest

from drskit.errors import InvalidWorld
from drskit.sim import load_world
from drskit.sim.capture import capture, capture_files

pytestmark = pytest.mark.simulated("a captured drill is played again, with its spans")

ROOT = Path(__file__).parents[2]
WORLD = ROOT / "runbooks" / "worlds" / "captured-drill.yaml"
CAPTURE = Path(os.environ.get("DRSKIT_CAPTURE", ROOT.parent / "shared" / "data" / "captured-drill.json"))

WAVES = (
    ("2022-12-07T19:15:38.846723+00:00", ("s-51d6b65c73391918f", "s-5c555d9c008f90131")),
    ("2022-12-07T19:25:59.603330+00:00", ("s-5817ab4ccdfa96db3", "s-57e730f6102e1f793")),
)


def replayed(lab):
    """Start the captured waves at their captured times; what DRS then says of each."""
    told = []
    for at, servers in WAVES:
        lab.wait((datetime.fromisoformat(at) - lab.clock.now()).total_seconds())
        job = lab.drs.start_recovery(sourceServers=[{"sourceServerID": name} for name in servers], isDrill=True)["job"]
        lab.wait(600)
        told.append({"job": lab.job(job["jobID"]), "log": lab.log(job["jobID"])})
    return told


def test_the_captured_drill_runs_as_it_ran(open_lab):
    """Ids, times, events, ends: every field of both jobs and of every line, to the microsecond."""
    told = replayed(open_lab(load_world(WORLD)))
    assert [one["job"]["creationDateTime"] for one in told] == [at for at, _ in WAVES]
    assert [len(one["log"]) for one in told] == [14, 14]
    spans = [
        datetime.fromisoformat(one["job"]["endDateTime"]) - datetime.fromisoformat(one["job"]["creationDateTime"])
        for one in told
    ]
    assert [span.total_seconds() for span in spans] == [533.308786, 539.292623]
    assert told[0]["log"][-1]["logDateTime"] == "2022-12-07T19:24:32.181827+00:00"
    assert told[1]["log"][9]["logDateTime"] == "2022-12-07T19:29:46.873346+00:00"
    if CAPTURE.exists():
        for captured, one in zip(json.loads(CAPTURE.read_text())["jobs"], told, strict=True):
            for server in one["job"]["participatingServers"]:
                assert server.pop("launchActionsStatus") == {"runs": []}
            assert one["job"].pop("participatingResources") == []
            assert one == captured


def test_the_captured_instances_exist(open_lab):
    """DRS and EC2 know them by their captured ids."""
    lab = open_lab(load_world(WORLD))
    replayed(lab)
    ids = {"i-04506d5ee9a75c1e7", "i-0f554975a5cf3245e", "i-0b8104bc29823c261", "i-0a2e943c01bcd45b6"}
    assert {one["recoveryInstanceID"] for one in lab.drs.describe_recovery_instances()["items"]} == ids
    assert set(lab.instances()) == ids


def test_a_later_drill_takes_as_long_as_the_captured_one(open_lab):
    """Once the captured job has run, the same phases take the same time under a new id."""
    lab = open_lab(load_world(WORLD))
    replayed(lab)
    job = lab.drs.start_recovery(sourceServers=[{"sourceServerID": WAVES[0][1][0]}], isDrill=True)["job"]
    lab.wait(3600)
    at = {line["event"]: datetime.fromisoformat(line["logDateTime"]) for line in lab.log(job["jobID"])}
    assert (at["CONVERSION_END"] - at["CONVERSION_START"]).total_seconds() == 197.514019


def test_saved_answers_make_the_world_that_gave_them(open_lab, tmp_path):
    """Three kinds of saved output, in any order; the world made of them runs alike, failures included."""
    lab = open_lab(load_world(ROOT / "runbooks" / "worlds" / "failing.yaml"))
    servers = lab.drs.describe_source_servers()
    names = [server["sourceServerID"] for server in servers["items"]]
    request = {"sourceServers": [{"sourceServerID": name} for name in names], "isDrill": True}
    job_id = lab.drs.start_recovery(**request)["job"]["jobID"]
    lab.wait(3600)
    log, jobs = lab.drs.describe_job_log_items(jobID=job_id), lab.drs.describe_jobs()
    paths = []
    for number, answer in enumerate((log, jobs, servers)):
        paths.append(tmp_path / f"{number}.json")
        paths[-1].write_text(json.dumps({"items": answer["items"]}))
    again = open_lab(capture_files(paths))
    assert again.drs.start_recovery(**request)["job"]["jobID"] == job_id
    again.wait(3600)
    assert again.log(job_id) == log["items"]
    assert again.drs.describe_jobs()["items"] == jobs["items"]


def test_a_capture_without_its_log_says_what_to_save(open_lab):
    """The complaint is the command to run."""
    lab = open_lab(load_world(WORLD))
    replayed(lab)
    with pytest.raises(InvalidWorld, match="aws drs describe-job-log-items --job-id drsjob-5"):
        capture([lab.drs.describe_source_servers(), lab.drs.describe_jobs()])


def test_an_empty_capture_is_no_world():
    """Nothing to make it of."""
    with pytest.raises(InvalidWorld, match="neither source servers nor"):
        capture([{"items": []}])
