"""The places where the simulator holds on to moto's insides: an upgrade that moves one of them fails here, by name."""

import re
from importlib import import_module
from importlib.metadata import version

import pytest

from drskit.sim.backend import models
from drskit.sim.backend.registration import register

pytestmark = pytest.mark.simulated("it is about the insides of moto")

HOLDS = [
    ("moto.backend_index", "backend_url_patterns", "registration.py adds DRS's addresses to this list"),
    ("moto.backends", "get_backend", "insides.py asks it for the backend of a service"),
    ("moto.core.base_backend", "BackendDict._instances", "insides.py swaps the contents of all tables in this list"),
    ("moto.core.model_instances", "model_data", "still.py lets moto forget models that it only tries to read"),
    ("moto.core.botocore_stubber", "BotocoreStubber.process_request", "insides.py answers in its place"),
    ("moto.core.models", "botocore_stubber", "insides.py answers in the place of this one's process_request"),
    ("moto.core.request", "normalize_request", "insides.py makes handlers' requests with it"),
    ("moto.iam.models", "IAMBackend.create_role", "backend/roles.py makes DRS's roles with it"),
    ("moto.s3.models", "S3Backend.put_object", "exports.py puts the templates of networks into buckets with it"),
    ("moto.ec2.models", "ec2_backends", "backend/instances.py runs recovery instances there"),
    ("moto.ec2.models.instance_types", "INSTANCE_TYPE_OFFERINGS", "backend/loading.py reads them when asked"),
    ("moto.utilities.utils", "load_resource", "backend/loading.py notes there what moto would read"),
    ("moto.ec2.models.instances", "random_instance_id", "backend/instances.py gives an instance the id that DRS has"),
    ("moto.ec2.models.instances", "InstanceState", "backend/instances.py sets an instance's state with it"),
    ("moto.ec2.models.instances", "InstanceBackend.get_instance", "backend/instances.py finds instances faster"),
    ("moto.ec2.models", "EC2Backend.describe_images", "backend/instances.py tells of the one image of its instances"),
    ("moto.dynamodb.comparisons", "ConditionExpressionParser.parse", "quick_expressions.py keeps what becomes of it"),
    ("moto.dynamodb.comparisons", "ConditionExpressionParser._lex_one_node", "quick_expressions.py keeps words"),
    ("moto.dynamodb.responses", "UpdateExpressionParser", "quick_expressions.py keeps updates that are only read"),
    ("moto.dynamodb.responses", "DynamoResult", "quick_replies.py writes what it holds"),
    ("moto.dynamodb.models.table", "Table.query", "quick_reads.py lets it look at one partition alone"),
    ("moto.dynamodb.models.table", "Table.has_range_key", "quick_reads.py knows by it how a table keeps its items"),
    ("moto.ec2.models.tags", "TagBackend.describe_tags", "quick_tags.py answers in its place for one resource"),
    ("moto.ec2.utils", "tag_filter_matches", "quick_tags.py answers in its place for values without wildcards"),
    ("moto.ec2.models.security_groups", "tag_filter_matches", "quick_tags.py answers in its place here, too"),
    ("moto.ec2.models.launch_templates", "random_launch_template_id", "templates.py gives a template its id"),
    (
        "moto.ec2.responses.launch_templates",
        "LaunchTemplates.create_launch_template_version",
        "inherited.py lets a version inherit from its source",
    ),
]


@pytest.mark.parametrize(("module", "name", "why"), HOLDS, ids=[f"{module}.{name}" for module, name, _ in HOLDS])
def test_moto_still_has_what_the_simulator_holds_on_to(module, name, why):
    """Each place by name, so that an upgrade says what it has moved."""
    try:
        found = import_module(module)
        for part in name.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError):
        pytest.fail(f"moto {version('moto')} has no {module}.{name} any more: {why}")


def test_moto_still_takes_our_backend():
    """It finds our code by the service's name, and DRS's addresses by our pattern; everything else hangs on that."""
    from moto.backend_index import backend_url_patterns
    from moto.backends import get_backend

    register()
    told = f"moto {version('moto')} does not take the DRS backend any more; see drskit/sim/backend/registration.py"
    patterns = [pattern for service, pattern in backend_url_patterns if service == "drs"]
    assert all(isinstance(pattern, re.Pattern) for pattern in patterns), told
    assert [True] == [bool(pattern.match("https://drs.us-west-2.amazonaws.com")) for pattern in patterns], told
    assert get_backend("drs") is models.drs_backends, told
    backend = models.drs_backends["123456789012"]["us-west-2"]
    assert [True] == [bool(re.match(url, "https://drs.us-west-2.amazonaws.com/")) for url in backend.urls][:1], told
