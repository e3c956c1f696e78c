"""The assumptions of the launch protocol, tried on one source server: `python -m tests.live SERVER --region REGION`.

Every launch is a drill of that one server, and every step prints what it
measured beside what drskit assumes. Nothing is started while the server has an
instance that a launch would terminate; what the trial launched is terminated at
its end. docs/live-protocol.md is the procedure; the simulator is its rehearsal.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from drskit.aws.faults import code_of
from drskit.aws.signing import signed_at
from drskit.errors import DrskitError, Refused
from drskit.guard import survey
from drskit.session import Session

TAG = "drskit:Trial"
TOO_OLD_SECONDS = (3600, 900, 360, 310)
"""Ages of signatures that AWS must refuse: it promises five minutes."""
LAG_SECONDS = 115
"""How late a job may become visible for a quiescence of 420 seconds: 300 of signature, 115 of lag, 5 of grain."""
PATIENCE = timedelta(hours=2)
LOOK_SECONDS = 15
DISABLE = "disableApiTermination"


@dataclass(frozen=True)
class Finding:
    """One thing that was measured."""

    name: str
    measured: str
    assumed: str
    holds: bool

    def __str__(self) -> str:
        verdict = "holds" if self.holds else "DOES NOT HOLD"
        return f"{verdict:<13} {self.name}: {self.measured} (assumed: {self.assumed})"


@dataclass
class Trial:
    """A server under trial."""

    session: Session
    region: str
    server_id: str
    protect: bool = False
    jobs: list[str] = field(default_factory=list)
    """The launch jobs of the trial, oldest first."""

    def __post_init__(self) -> None:
        self.reader = self.session.clients.drs(self.region)
        self.launcher = self.session.clients.drs_launcher(self.region)
        self.ec2 = self.session.clients.ec2(self.region)

    def run(self) -> Iterator[Finding]:
        """All steps, one after the other.

        Raises:
            Refused: the server is not fit for a trial; nothing was started.
            ClientError: AWS refused a call that the trial needs.
        """
        self.require_fit()
        began = self.now()
        yield from self.old_signatures()
        if self.jobs:
            yield self.followed()
        yield from self.visibility()
        yield self.followed()
        yield from self.relaunch()
        yield from self.terminated()
        found = sum(self.server_id in str(job["participatingServers"]) for job in self.launches(began))
        yield Finding("launch jobs of the server in all", str(found), str(len(self.jobs)), found == len(self.jobs))

    def require_fit(self) -> None:
        """The server is there, can be launched, and has no instance that a launch would terminate."""
        recovery = self.session.recovery(self.region)
        found = recovery.source_servers([self.server_id])
        if not found:
            raise Refused(f"DRS has no source server {self.server_id} in {self.region}. Correct the id or the Region.")
        if not found[0].launchable:
            raise Refused(f"{self.server_id} is {found[0].replication_state}. Choose one that replicates.")
        living = [instance.description for instance in survey(recovery, [self.server_id])]
        if living:
            raise Refused(f"A launch would terminate {' and '.join(living)}. Choose another server, or remove them.")

    # --- the steps ---------------------------------------------------------------------------------------------------

    def old_signatures(self) -> Iterator[Finding]:
        """A2: a StartRecovery that was signed too long ago is refused, and starts nothing."""
        began = self.now()
        for age in TOO_OLD_SECONDS:
            answer = self.launch("signature", self.now() - timedelta(seconds=age))
            yield Finding(f"StartRecovery signed {age} s ago", answer, "refused", not answer.startswith("drsjob-"))
            if self.jobs:
                return
        started = self.launches(began)
        yield Finding("jobs of the refused requests", str(len(started)), "0", not started)

    def visibility(self) -> Iterator[Finding]:
        """A3: a job that was just made is listed with its tags soon; and a second one for the server conflicts."""
        began = self.now()
        job_id = self.launch("visibility", began)
        if not job_id.startswith("drsjob-"):
            raise Refused(f"The drill of {self.server_id} was refused: {job_id}. Look at the server in the console.")
        replied = self.session.clock.now()
        yield Finding("a second StartRecovery at once", *self.conflict())
        sights: dict[str, Callable[[], bool]] = {
            "the job in DescribeJobs since its time": lambda: any(job["jobID"] == job_id for job in self.listed(began)),
            "the job with its tags there": lambda: any(
                job["jobID"] == job_id and job.get("tags", {}).get(TAG) == "visibility" for job in self.listed(began)
            ),
            "the job in DescribeJobs by its id": lambda: bool(self.known([job_id])),
            "lastLaunch of the server names it": lambda: self.last_launch() == job_id,
        }
        waiting = dict(sights)
        while waiting and self.session.clock.now() - replied < timedelta(seconds=LAG_SECONDS * 3):
            for name in [name for name, seen in waiting.items() if seen()]:
                del waiting[name]
                lag = (self.session.clock.now() - replied).total_seconds()
                yield Finding(name, f"{lag:.0f} s after the reply", f"at most {LAG_SECONDS} s", lag <= LAG_SECONDS)
            self.session.clock.sleep(1)
        for name in waiting:
            yield Finding(name, f"not within {LAG_SECONDS * 3} s", f"at most {LAG_SECONDS} s", holds=False)
        yield Finding("a second StartRecovery while the job runs", *self.conflict())

    def conflict(self) -> tuple[str, str, bool]:
        """What DRS says to a launch of a server that a job holds; the protocol does not need it, `--fast` does."""
        answer = self.launch("conflict", self.now())
        return answer, "ConflictException", answer == "ConflictException"

    def followed(self) -> Finding:
        """Every launch so far ends, and the last one's instance appears in DRS."""
        began, ended = self.session.clock.now(), None
        while self.session.clock.now() - began < PATIENCE:
            statuses = {job["status"] for job in self.known(self.jobs)}
            if statuses == {"COMPLETED"}:
                ended = ended or self.session.clock.now()
                if self.instances():
                    break
            self.session.clock.sleep(LOOK_SECONDS if ended is None else 1)
        words = {part.get("launchStatus") for job in self.known(self.jobs[-1:]) for part in job["participatingServers"]}
        late = 0.0 if ended is None else (self.session.clock.now() - ended).total_seconds()
        measured = f"{'/'.join(map(str, words))}, its instance {late:.0f} s after the job's end"
        return Finding("the drill", measured, "LAUNCHED, within 300 s", words == {"LAUNCHED"} and late <= 300)

    def relaunch(self) -> Iterator[Finding]:
        """What a launch terminates: the server's earlier instance, unless it is protected."""
        earlier = self.instances()
        if not earlier:
            return
        if self.protect:
            self.ec2.modify_instance_attribute(InstanceId=earlier[-1], DisableApiTermination={"Value": True})
        self.launch("relaunch", self.now())
        yield self.followed()
        log = self.reader.describe_job_log_items(jobID=self.jobs[-1])["items"]
        cleaned = any(line["event"] == "CLEANUP_START" for line in log)
        yield Finding("CLEANUP_START in the log of a relaunch", str(cleaned), "True", cleaned)
        state = self.state_of(earlier[-1])
        wanted = "running" if self.protect else "terminated"
        name = f"the earlier instance, {'protected' if self.protect else 'not protected'}"
        yield Finding(name, state, wanted, state == wanted)
        if self.protect:
            self.ec2.modify_instance_attribute(InstanceId=earlier[-1], DisableApiTermination={"Value": False})

    def terminated(self) -> Iterator[Finding]:
        """What the trial launched is terminated, and gone from DRS and EC2."""
        ours = self.instances()
        if not ours:
            return
        with signed_at(self.now()):
            job_id = self.launcher.terminate_recovery_instances(recoveryInstanceIDs=ours)["job"]["jobID"]
        began = self.session.clock.now()
        while self.session.clock.now() - began < PATIENCE and (
            self.instances() or {self.state_of(instance_id) for instance_id in ours} != {"terminated"}
        ):
            self.session.clock.sleep(LOOK_SECONDS)
        took = (self.session.clock.now() - began).total_seconds()
        gone = not self.instances()
        yield Finding("terminated instances gone from DRS and EC2", f"{gone}, after {took:.0f} s", "True", gone)
        participants = [len(job["participatingServers"]) for job in self.known([job_id])]
        yield Finding("servers that the ended TERMINATE job still names", str(participants), "any number", holds=True)

    # --- asking AWS --------------------------------------------------------------------------------------------------

    def now(self) -> datetime:
        """AWS's own time, in whole seconds."""
        headers = self.reader.describe_jobs(maxResults=1)["ResponseMetadata"]["HTTPHeaders"]
        return parsedate_to_datetime(headers["date"])

    def launch(self, tag: str, time: datetime) -> str:
        """Ask for a drill with a signature of this time; the job's id, or what AWS or the network said."""
        try:
            with signed_at(time):
                reply = self.launcher.start_recovery(
                    sourceServers=[{"sourceServerID": self.server_id}], isDrill=True, tags={TAG: tag}
                )
        except ClientError as error:
            return code_of(error)
        except BotoCoreError as error:
            return f"no answer ({error})"
        self.jobs.append(reply["job"]["jobID"])
        return self.jobs[-1]

    def listed(self, since: datetime) -> list[Any]:
        """The jobs since a time."""
        pages = self.reader.get_paginator("describe_jobs").paginate(filters={"fromDate": f"{since:%Y-%m-%dT%H:%M:%SZ}"})
        return [job for page in pages for job in page["items"]]

    def launches(self, since: datetime) -> list[Any]:
        """The launch jobs since a time."""
        return [job for job in self.listed(since) if job["type"] == "LAUNCH"]

    def known(self, job_ids: list[str]) -> list[Any]:
        """Jobs by their ids."""
        return list(self.reader.describe_jobs(filters={"jobIDs": job_ids})["items"])

    def last_launch(self) -> str | None:
        """The job that the server says it was last launched by."""
        (server,) = self.reader.describe_source_servers(filters={"sourceServerIDs": [self.server_id]})["items"]
        found = server.get("lifeCycle", {}).get("lastLaunch", {}).get("initiated", {}).get("jobID")
        return found if found is None else str(found)

    def instances(self) -> list[str]:
        """The recovery instances that the trial's jobs launched and DRS still has."""
        found = self.reader.describe_recovery_instances(filters={"sourceServerIDs": [self.server_id]})["items"]
        return [
            instance["recoveryInstanceID"]
            for instance in found
            if instance.get("jobID") in self.jobs and instance.get("ec2InstanceState") != "TERMINATED"
        ]

    def state_of(self, instance_id: str) -> str:
        """An instance's state in EC2; one that EC2 forgot is terminated."""
        wanted = [{"Name": "instance-id", "Values": [instance_id]}]
        found = self.ec2.describe_instances(Filters=wanted)["Reservations"]  # type: ignore[arg-type]  # TypedDict
        states = [str(instance["State"]["Name"]) for reservation in found for instance in reservation["Instances"]]
        return states[0] if states else "terminated"


def main() -> None:
    """Try one server, print each finding, and keep them all."""
    parser = argparse.ArgumentParser(prog="python -m tests.live", description=(__doc__ or "").partition("\n\n")[2])
    parser.add_argument("server", help="a source server, for example s-5f3ddf07c0eb9fe45")
    parser.add_argument("--region", required=True, help="where DRS acts")
    parser.add_argument("--protect", action="store_true", help="protect the first instance before the relaunch")
    parser.add_argument("--output", type=Path, help="write the findings there as JSON, too")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    asked = parser.parse_args()
    if not asked.yes and input(f"Drill {asked.server} in {asked.region} twice? It costs money. [y/N] ") != "y":
        sys.exit(2)
    findings = []
    try:
        for finding in Trial(Session.open(), asked.region, asked.server, protect=asked.protect).run():
            print(finding, flush=True)  # noqa: T201 - printing is its work
            findings.append(finding)
    except DrskitError as error:
        print(error, file=sys.stderr)  # noqa: T201
        sys.exit(2)
    finally:
        if asked.output:
            asked.output.write_text(json.dumps([asdict(finding) for finding in findings], indent=2) + "\n")
    sys.exit(0 if all(finding.holds for finding in findings) else 1)


if __name__ == "__main__":
    main()
