"""moto's EC2 is the same however it was loaded; only sooner, and without what nobody asks for."""

import json
import subprocess
import sys

import pytest

pytestmark = pytest.mark.simulated("it is about how moto is loaded")

TOLD = """
from moto.ec2.models.availability_zones_and_regions import RegionsAndZonesBackend as places
offered, places = moto.ec2.models.instance_types.INSTANCE_TYPE_OFFERINGS, [vars(one) for one in places.regions]
kept = {kind: len(found) for kind, found in sorted(offered.items())}
asked = {kind: [found["us-west-2"], found.get("eu-west-1"), found.get("nowhere", "none")]
         for kind, found in sorted(offered.items())}
try:
    offered["region"]["nowhere"]
except KeyError as error:
    asked["missing"] = str(error)
import json, moto.utilities.utils, botocore.session
readers = [moto.utilities.utils.load_resource.__module__, type(botocore.session.create_loader).__name__]
print(json.dumps([kept, asked, places, readers]))
"""
OURS = "import drskit.sim.backend.loading as loading; loading.load_ec2(); import moto"


def loaded(how: str) -> list:
    """What a process has that loaded EC2 like this."""
    done = subprocess.run([sys.executable, "-c", how + TOLD], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_ec2_has_what_it_has_in_moto():
    """The offerings of each Region, read when they are asked for, and all Regions; its own ways to read are back."""
    own = loaded("import moto.ec2.models")
    ours = loaded(OURS)
    assert own[1:] == ours[1:]
    assert own[0].keys() == ours[0].keys()
    assert min(own[0].values()) > 20
    assert {0} == set(ours[0].values())


def test_ec2_that_somebody_has_loaded_is_left_alone():
    """A test suite that uses moto itself, say."""
    own = loaded("import moto.ec2.models")
    ours = loaded("import moto.ec2.models, drskit.sim.backend.loading as loading; loading.load_ec2()")
    assert own == ours


def test_a_load_that_was_interrupted_is_begun_anew():
    """Else EC2 would stay without what a Region offers."""
    interrupted = """
import drskit.sim.backend.loading as loading, sys
whole = loading._load_resource
def interrupt(resource):
    if "amis" in resource:
        raise KeyboardInterrupt
    return whole(resource)
loading._load_resource = interrupt
try:
    loading.load_ec2()
except KeyboardInterrupt:
    pass
loading._load_resource = whole
loading.load_ec2()
import moto
"""
    assert loaded(OURS) == loaded(interrupted)
