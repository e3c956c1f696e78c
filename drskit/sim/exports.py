"""The CloudFormation template of a source network, and its way into a bucket of moto's S3."""

import sys
from typing import Any

from drskit.sim.networks import SourceNetwork
from drskit.sim.world import World

TEMPLATE = """\
AWSTemplateFormatVersion: "2010-09-09"
Description: Network of {network}, which protects {vpc} of {region}
Resources:
  Vpc:
    Type: AWS::EC2::VPC
    Properties:
      CidrBlock: 10.0.0.0/16
      Tags: [{{Key: AWSElasticDisasterRecoverySourceNetworkID, Value: {network}}}]
"""


def export(world: World, network: SourceNetwork, bucket: str) -> str:
    """Where the template of a network is, now that it was exported.

    A bucket that S3 does not have is no error here: nobody may have asked S3 in this world.
    """
    key = f"{network.id}.yaml"
    if "moto.s3.models" in sys.modules:
        from moto.s3.models import s3_backends

        held: Any = s3_backends[world.spec.account]["aws"]
        if bucket in held.buckets:
            told = TEMPLATE.format(network=network.id, vpc=network.spec.vpc, region=network.spec.region)
            held.put_object(bucket, key, told.encode())
    return f"s3://{bucket}/{key}"
