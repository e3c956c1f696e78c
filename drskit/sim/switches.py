"""Switches of a world's `behaviour`: where how the real DRS acts is only inferred, or told by a few.

The default is what we think likeliest; each says what is not known.
"""

from typing import Annotated, Literal

from pydantic import StringConstraints

from drskit.sim.entry import Count, Entry, Seconds

CallerAction = Annotated[str, StringConstraints(pattern=r"^(drs|ec2|iam):[A-Z][A-Za-z]+$")]


class Quotas(Entry):
    """DRS's quotas, each per account and Region (drs-facts §6.1)."""

    jobs_quota: Count = 20
    servers_per_job_quota: Count = 100
    servers_in_jobs_quota: Count = 500
    replicating_servers_quota: Count = 300
    source_servers_quota: Count = 4000
    launch_actions_quota: Count = 200
    launch_templates_quota: Count = 1
    source_networks_quota: Count = 100
    plans_quota: Count = 1000
    plan_steps_quota: Count = 20
    plan_servers_quota: Count = 100


class Switches(Quotas):
    """What is not known of the real DRS."""

    unknown_server_error: Literal["ResourceNotFoundException", "ValidationException"] = "ResourceNotFoundException"
    """What StartRecovery calls a source server that does not exist; it declares neither."""
    unlaunchable_error: Literal["ConflictException", "ValidationException"] = "ConflictException"
    """What StartRecovery calls a server that cannot be launched as it stands."""
    too_many_servers_error: Literal["ServiceQuotaExceededException", "ValidationException"] = (
        "ServiceQuotaExceededException"
    )
    """What StartRecovery calls more servers than a job takes."""
    quotas_hold: bool = True
    """Whether a job beyond the quotas of jobs is refused; without, who counts for himself is seen to count well."""
    terminate_counts: bool = True
    """Whether TERMINATE jobs and their servers count for the quotas of jobs."""
    server_in_progress: bool = False
    """Whether a server's launchStatus is IN_PROGRESS from its conversion on; declared, and never captured."""
    conversion_properties: bool = False
    """Whether the log's CONVERSION_END tells `conversionProperties`; declared, and in no captured log."""
    cleanup_fail: bool = True
    """Whether a cleanup that termination protection stopped logs CLEANUP_FAIL rather than CLEANUP_END."""
    last_launch_terminated: bool = True
    """Whether a source server's last launch is TERMINATED once its instance is gone; else it stays LAUNCHED."""
    snapshot_order: Literal["ASC", "DESC"] = "DESC"
    """The order of DescribeRecoverySnapshots where none is asked for."""
    dates_inclusive: bool = True
    """Whether the bounds of date filters belong to what is found."""
    job_retention: Seconds | None = None
    """After how many seconds a completed job is forgotten; None is never."""
    recovery_instance_delay: Seconds = 0
    """How long a launched instance stays out of DescribeRecoveryInstances; up to a minute was told of."""
    job_tags_on_instances: bool = False
    """Whether the tags of a job are also those of the instances that it launched."""
    actions_hold_job: bool = True
    """Whether a server is PENDING and its job STARTED while post-launch actions run."""
    caller_lacks: tuple[CallerAction, ...] = ()
    """IAM actions that whoever starts jobs lacks: DRS acts with the caller's rights, and their lack shows late."""
    calls_per_second: Seconds | None = None
    """How many calls of an operation a second are answered; more are throttled. None: AWS publishes no rate."""
    calls_burst: Count = 20
    """How many calls of an operation may come at once before `calls_per_second` binds."""
    initiation: Seconds = 300
    """How long replication that starts is INITIATING."""
    initial_sync: Seconds = 1800
    """How long its INITIAL_SYNC takes then."""
    first_snapshot: Seconds = 60
    """How long it is CREATING_SNAPSHOT then, before it is CONTINUOUS."""
    network_replication: Seconds = 120
    """How long a source network is IN_PROGRESS before it is PROTECTED."""
    network_recovery: Seconds = 180
    """How long the recovery of a source network takes."""
    failback_launch: Seconds = 600
    """How long the failback client takes to convert and reboot its machine."""
    plan_validation: Seconds = 5
    """How long a plan's execution is CREATED."""
    plan_deletion: Seconds = 0
    """How long a deleted plan is still seen, while it is being deleted."""
    plan_timeout: Seconds = 86400
    """After how many seconds an execution times out."""
    plan_timeout_status: Literal["FAILED", "TIMED_OUT"] = "FAILED"
    """What an execution is then: TIMED_OUT is documented, and missing from the model."""
    state_change: Seconds = 0
    """How long a recovery instance is PENDING, STOPPING or SHUTTING-DOWN on its way from one state to the next."""
    not_found_after: Seconds | None = None
    """How long after its end in EC2 a recovery instance is NOT_FOUND; None: it stays TERMINATED."""
    source_instances: bool = False
    """Whether the EC2 instances that servers come from exist in EC2, in the Region of their origin."""
    targets_exist: bool = True
    """Whether an SNS topic or an event bus that nobody made is made when something is sent to it; AWS has none."""
    skip_timed_out_steps: bool = False
    """Whether a step that is TIMED_OUT can be skipped: one page says so, another forbids it."""
