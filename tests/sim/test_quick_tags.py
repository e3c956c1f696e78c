"""EC2's short ways to tags find what moto's own way finds; a value with a wildcard goes moto's own."""

import pytest

from tests.sim.lab import Lab

pytestmark = pytest.mark.simulated("it is about how the simulator answers for EC2")

NOTHING = "no*such"
"""A pattern that no value fits, which takes a filter off the short way."""


@pytest.fixture
def ec2(lab: Lab):
    """EC2 with three instances: two tags, one tag with a wildcard in it, no tag."""
    client = lab.client("ec2")
    for tags in ({"Name": "web", "Tier": "front"}, {"Name": "we?"}, {}):
        (made,) = client.run_instances(ImageId="ami-12c6146b", MinCount=1, MaxCount=1)["Instances"]
        if tags:
            told = [{"Key": key, "Value": value} for key, value in tags.items()]
            client.create_tags(Resources=[made["InstanceId"]], Tags=told)
    return client


def names(client, **filters: list[str]) -> list[str]:
    """The names of the instances that pass these filters, by tag."""
    asked = [{"Name": f"tag:{key}", "Values": values} for key, values in filters.items()]
    found = client.describe_instances(Filters=asked)["Reservations"]
    tags = [one.get("Tags", []) for some in found for one in some["Instances"]]
    return sorted(tag["Value"] for some in tags for tag in some if tag["Key"] == "Name")


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"Name": ["web"]}, ["web"]),
        ({"Name": ["web", "db"]}, ["web"]),
        ({"Name": ["front"]}, []),
        ({"Name": ["we"]}, []),
        ({"Name": ["web"], "Tier": ["back"]}, []),
        ({"Owner": ["web"]}, []),
    ],
    ids=str,
)
def test_instances_are_found_by_their_tags_as_by_moto_s_own_way(ec2, filters, expected):
    """Whole values of the tag that is named, and of no other one."""
    assert expected == names(ec2, **filters)
    assert expected == names(ec2, **{key: [*values, NOTHING] for key, values in filters.items()})


def test_a_value_with_a_wildcard_is_a_pattern(ec2):
    """Also beside one without, and where what it means is a wildcard."""
    assert ["we?", "web"] == names(ec2, Name=["we?"])
    assert ["we?", "web"] == names(ec2, Name=["web", "w*"])
    assert ["we?"] == names(ec2, Name=["we\\?"])


def test_the_tags_of_one_resource_are_those_of_moto_s_own_way(ec2):
    """By its id alone and with a second one that is nothing; after a change, too, and none of what is unknown."""

    def tags_of(*ids: str) -> list[dict[str, str]]:
        return ec2.describe_tags(Filters=[{"Name": "resource-id", "Values": list(ids)}])["Tags"]

    (found,) = (tag for tag in ec2.describe_tags()["Tags"] if tag["Value"] == "front")
    assert ["Name", "Tier"] == [tag["Key"] for tag in tags_of(found["ResourceId"])]
    assert tags_of(found["ResourceId"], NOTHING) == tags_of(found["ResourceId"])
    assert {"instance"} == {tag["ResourceType"] for tag in tags_of(found["ResourceId"])}
    ec2.delete_tags(Resources=[found["ResourceId"]], Tags=[{"Key": "Tier"}])
    assert ["Name"] == [tag["Key"] for tag in tags_of(found["ResourceId"])]
    assert [] == tags_of("i-00000000000000000")
