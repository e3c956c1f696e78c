"""The IAM roles that DRS makes when an account is initialised, in moto's IAM (user guide; no policy is attached).

They are made when somebody asks IAM; one that its owner deletes stays away.
"""

import json
from typing import Any

from moto.backends import get_backend

from drskit.sim.backend.insides import named_after
from drskit.sim.world import World

SERVICE = "drs.amazonaws.com"
LINKED = "AWSServiceRoleForElasticDisasterRecovery"
ASSUMED_BY = {
    "AWSElasticDisasterRecoveryAgentRole": SERVICE,
    "AWSElasticDisasterRecoveryFailbackRole": SERVICE,
    "AWSElasticDisasterRecoveryConversionServerRole": "ec2.amazonaws.com",
    "AWSElasticDisasterRecoveryRecoveryInstanceRole": "ec2.amazonaws.com",
    "AWSElasticDisasterRecoveryRecoveryInstanceWithLaunchActionsRole": "ec2.amazonaws.com",
    "AWSElasticDisasterRecoveryReplicationServerRole": "ec2.amazonaws.com",
}


class Roles:
    """DRS's roles in an account."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._made = False

    def settle(self) -> None:
        """Let them be there, once the account is initialised."""
        if self._made or not self._world.initialized:
            return
        self._made = True
        iam: Any = get_backend("iam")[self._world.spec.account]["aws"]
        present = {role.name for role in iam.get_roles()}
        with named_after("roles of DRS"):
            for name, service in ASSUMED_BY.items():
                if name not in present:
                    iam.create_role(name, _trust(service), "/service-role/", None, "", [], "3600")
            if LINKED not in present:
                path = f"/aws-service-role/{SERVICE}/"
                iam.create_role(LINKED, _trust(SERVICE), path, None, "", [], "3600", linked_service=SERVICE)


def _trust(service: str) -> str:
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
