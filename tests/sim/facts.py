"""Prints docs/simulator-facts.md anew: the switches as the code has them, with where each is known from.

python -m tests.sim.facts > docs/simulator-facts.md
"""

import re
import sys
from typing import Any

from drskit.sim.spec import Behaviour
from drskit.sim.worldfile import meanings
from tests.harness import ROOT

PAGE = ROOT / "docs" / "simulator-facts.md"
TABLE = re.compile(r"(<!-- switches -->\n).*?(<!-- end -->\n)", re.DOTALL)

DOCUMENTED = "documented"
CAPTURED = "captured"
TOLD = "told"
INFERRED = "inferred"
CONFIDENCE = (DOCUMENTED, CAPTURED, TOLD, INFERRED)

EVIDENCE: dict[str, tuple[str, str]] = {
    "page_size": (INFERRED, "no page of AWS names the size that is used when none is asked for"),
    "emit_launch_end": (CAPTURED, "in the captured drill's logs, once a server; the API model does not declare it"),
    "timestamp_style": (
        CAPTURED,
        "captures of 2022 to 2026 have `+00:00` and microseconds; model and examples have `Z`",
    ),
    "recovery_instance_in_job": (CAPTURED, "absent in a completed drill of 25 servers, and in AWS's example"),
    "terminate_empties_servers": (TOLD, "a finished TERMINATE job may have no servers any more"),
    "tags_resource_arn": (CAPTURED, "seen once, in an answer of StartRecovery without tags"),
    "job_delay": (INFERRED, "nobody promises that what was started is found at once"),
    "list_delay": (INFERRED, "as `job_delay`, for listings by time"),
    "tag_delay": (INFERRED, "as `job_delay`, for the tags"),
    "last_launch_delay": (INFERRED, "as `job_delay`, for the source server's mirror of its last launch"),
    "command_delay": (INFERRED, "as `job_delay`, for commands; GetCommandInvocation has an error for it"),
    "index_lag": (DOCUMENTED, "global secondary indexes are eventually consistent; moto's are not"),
    "check_signature_age": (DOCUMENTED, "AWS refuses signatures mostly after five minutes"),
    "targets_exist": (
        DOCUMENTED,
        "AWS publishes to nothing that does not exist; a world is more useful when it takes what a plan tells",
    ),
    "initialized": (DOCUMENTED, "an account that never initialised DRS meets UninitializedAccountException"),
    "jobs_quota": (DOCUMENTED, "quota page: 20 concurrent jobs"),
    "servers_per_job_quota": (DOCUMENTED, "quota page: 100 servers in a job, although the model allows lists of 200"),
    "servers_in_jobs_quota": (DOCUMENTED, "quota page: 500 servers in all jobs"),
    "replicating_servers_quota": (DOCUMENTED, "quota page"),
    "source_servers_quota": (DOCUMENTED, "quota page; older pages say 3,000"),
    "launch_actions_quota": (DOCUMENTED, "quota page"),
    "launch_templates_quota": (DOCUMENTED, "quota page"),
    "source_networks_quota": (DOCUMENTED, "quota page"),
    "plans_quota": (DOCUMENTED, "quota page"),
    "plan_steps_quota": (DOCUMENTED, "user guide"),
    "plan_servers_quota": (DOCUMENTED, "user guide; the model would allow more"),
    "unknown_server_error": (INFERRED, "StartRecovery declares no error for it"),
    "unlaunchable_error": (INFERRED, "only the conflict of a busy server was captured"),
    "too_many_servers_error": (INFERRED, "nobody has told which of the two comes"),
    "quotas_hold": (DOCUMENTED, "beyond a quota is ServiceQuotaExceededException; its text was not captured"),
    "terminate_counts": (INFERRED, "the quota page speaks of jobs"),
    "server_in_progress": (INFERRED, "declared by the model, and in no capture"),
    "conversion_properties": (INFERRED, "declared by the model; captured logs of conversions have none"),
    "cleanup_fail": (INFERRED, "declared by the model, and in no capture"),
    "last_launch_terminated": (INFERRED, "declared by the model, and in no capture"),
    "snapshot_order": (INFERRED, "the model names the parameter, not its default"),
    "dates_inclusive": (INFERRED, "no page says it"),
    "job_retention": (INFERRED, "no page says how long jobs are kept"),
    "recovery_instance_delay": (TOLD, "up to a minute"),
    "job_tags_on_instances": (TOLD, "asserted once, never captured"),
    "actions_hold_job": (INFERRED, "no page says it"),
    "caller_lacks": (CAPTURED, "failed jobs of others, until the right that was missing was added"),
    "calls_per_second": (INFERRED, "AWS publishes no rates of DRS"),
    "calls_burst": (INFERRED, "AWS publishes no rates of DRS"),
    "initiation": (INFERRED, "a guess at the span"),
    "initial_sync": (INFERRED, "a guess at the span"),
    "first_snapshot": (INFERRED, "a guess at the span"),
    "network_replication": (INFERRED, "a guess at the span"),
    "network_recovery": (INFERRED, "a guess at the span"),
    "failback_launch": (INFERRED, "a guess at the span"),
    "plan_validation": (INFERRED, "a guess at the span"),
    "plan_deletion": (INFERRED, "a guess at the span"),
    "plan_timeout": (DOCUMENTED, "user guide: 24 hours"),
    "plan_timeout_status": (DOCUMENTED, "the user guide has TIMED_OUT, the model lacks it"),
    "state_change": (INFERRED, "declared by the model; a minute at most in EC2"),
    "not_found_after": (INFERRED, "declared by the model; EC2 shows a terminated instance for about an hour"),
    "source_instances": (INFERRED, "not of DRS: an account has them, or another account does"),
    "skip_timed_out_steps": (DOCUMENTED, "two pages of the user guide contradict each other"),
}
"""How sure we are of each switch's default, and what that rests on."""

WORDS = {
    "page_size": "How many things a page holds where the request does not say.",
    "emit_launch_end": "Whether a job's log has LAUNCH_END.",
    "timestamp_style": "How times are written: `offset` is `+00:00` with microseconds.",
    "recovery_instance_in_job": "Whether a launched server's `recoveryInstanceID` stands in its job.",
    "terminate_empties_servers": "Whether a finished TERMINATE job shows no servers.",
    "tags_resource_arn": "Whether a job without tags shows its own ARN as a tag.",
    "initialized": "Whether the account has initialised DRS in this Region.",
    "jobs_quota": "How many jobs run at once.",
    "servers_per_job_quota": "How many servers a job takes.",
    "servers_in_jobs_quota": "How many servers are in running jobs.",
}
"""What a switch does, where no docstring below it says so."""


def table() -> str:
    """Every switch with its default, what it does, and how sure that is."""
    texts = {name: text for kind in reversed(Behaviour.__mro__) for name, text in meanings(kind).items()}
    rows = ["| switch | default | what it does | how sure | because |", "|---|---|---|---|---|"]
    for name, field in Behaviour.model_fields.items():
        confidence, because = EVIDENCE[name]
        does = " ".join((texts.get(name) or WORDS.get(name) or f"{name.replace('_', ' ').capitalize()}.").split())
        rows.append(f"| `{name}` | `{spelled(field.default)}` | {does} | {confidence} | {because} |")
    return "\n".join(rows) + "\n"


def spelled(default: Any) -> str:
    """A default as a world file writes it."""
    if isinstance(default, bool):
        return "true" if default else "false"
    if isinstance(default, tuple):
        return f"[{', '.join(map(str, default))}]"
    return "null" if default is None else f"{default:g}" if isinstance(default, float) else str(default)


def page(text: str) -> str:
    """The page with its table made anew."""
    return TABLE.sub(lambda found: f"{found[1]}{table()}{found[2]}", text)


if __name__ == "__main__":
    sys.stdout.write(page(PAGE.read_text(encoding="utf-8")))
