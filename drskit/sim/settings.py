"""What an account has set: templates, replication settings, failback settings and post-launch actions.

Settings are kept as they go over the wire: DRS hands them back as they came.
"""

from dataclasses import dataclass, field
from typing import Any

from drskit.sim.actions import LaunchAction

Members = dict[str, Any]

LAUNCH_TEMPLATE: Members = {
    "launchDisposition": "STARTED",
    "targetInstanceTypeRightSizingMethod": "BASIC",
    "copyPrivateIp": False,
    "copyTags": False,
    "licensing": {"osByol": False},
    "postLaunchEnabled": False,
    "launchIntoSourceInstance": False,
    "recoveryMode": "OPTIMAL",
}
POINTS_IN_TIME = [
    {"ruleID": 1, "units": "MINUTE", "interval": 10, "retentionDuration": 60, "enabled": True},
    {"ruleID": 2, "units": "HOUR", "interval": 1, "retentionDuration": 24, "enabled": True},
    {"ruleID": 3, "units": "DAY", "interval": 1, "retentionDuration": 7, "enabled": True},
]
REPLICATION: Members = {
    "stagingAreaSubnetId": "subnet-0aa0aa0aa0aa0aa0a",
    "associateDefaultSecurityGroup": True,
    "replicationServersSecurityGroupsIDs": [],
    "replicationServerInstanceType": "t3.small",
    "useDedicatedReplicationServer": False,
    "defaultLargeStagingDiskType": "AUTO",
    "ebsEncryption": "DEFAULT",
    "bandwidthThrottling": 0,
    "dataPlaneRouting": "PRIVATE_IP",
    "createPublicIP": False,
    "stagingAreaTags": {},
    "pitPolicy": POINTS_IN_TIME,
    "autoReplicateNewDisks": False,
    "internetProtocol": "IPV4",
}


@dataclass
class Template:
    """A template of the account."""

    id: str
    members: Members
    tags: dict[str, str]


@dataclass
class SettingsBook:
    """Everything that the account has set, beside what stands on a server."""

    launch_templates: dict[str, Template] = field(default_factory=dict)
    replication_templates: dict[str, Template] = field(default_factory=dict)
    replication: dict[str, Members] = field(default_factory=dict)
    """What was changed of each server's replication configuration."""
    failback: dict[str, Members] = field(default_factory=dict)
    """What was changed of each recovery instance's failback replication configuration."""
    actions: dict[str, dict[str, LaunchAction]] = field(default_factory=dict)
    """The launch actions of each source server and launch configuration template."""
    made: int = 0
    """How many templates there have been."""

    def tags(self, kind: str, name: str) -> dict[str, str] | None:
        """The tags of a template, to read or to change; None where there is no such template."""
        books = {
            "launch-configuration-template": self.launch_templates,
            "replication-configuration-template": self.replication_templates,
        }
        template = books.get(kind, {}).get(name)
        return template.tags if template else None

    def actions_of(self, resource_id: str) -> list[LaunchAction]:
        """The launch actions of a resource, in their order."""
        return sorted(self.actions.get(resource_id, {}).values(), key=lambda one: (one.order, one.id))

    def active_actions(self, server_id: str) -> list[LaunchAction]:
        """Those that run after a launch of this server."""
        return [action for action in self.actions_of(server_id) if action.active]

    def forget(self, server_id: str) -> None:
        """A source server is gone."""
        self.replication.pop(server_id, None)
        self.actions.pop(server_id, None)
