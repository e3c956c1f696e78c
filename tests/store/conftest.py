"""One `store` fixture: memory, moto's DynamoDB and ministack's."""

import itertools
from collections.abc import Iterator

import pytest
from moto import mock_aws

from drskit.clock import VirtualClock
from drskit.store.dynamodb import DynamoDbStore
from drskit.store.memory import MemoryStore
from drskit.store.tables import create_tables
from tests.store import servers
from tests.store.lint import watch
from tests.store.strategies import START, applied

PREFIXES = (f"t{number}" for number in itertools.count())


@pytest.fixture
def clock() -> VirtualClock:
    """A clock that jumps."""
    return VirtualClock(START)


@pytest.fixture(scope="session")
def ministack_endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A DynamoDB written by others, in a process of its own."""
    with servers.ministack(tmp_path_factory.mktemp("ministack")) as endpoint:
        yield endpoint


@pytest.fixture
def prefix() -> str:
    """A prefix of table names that nobody else has."""
    return next(PREFIXES)


@pytest.fixture
def moto_client():
    """A linted client of moto's DynamoDB."""
    with mock_aws():
        client = servers.client()
        watch(client)
        yield client


@pytest.fixture
def ministack_client(ministack_endpoint):
    """A linted client of ministack's DynamoDB."""
    client = servers.client(ministack_endpoint)
    watch(client)
    return client


@pytest.fixture(params=["moto", "ministack"])
def client(request):
    """A linted client of each DynamoDB."""
    return request.getfixturevalue(f"{request.param}_client")


@pytest.fixture
def dynamodb(client, prefix, clock) -> DynamoDbStore:
    """The store over each DynamoDB, with its tables and the plan `shop`."""
    create_tables(client, clock, prefix=prefix)
    return with_plan(DynamoDbStore(client, prefix=prefix))


@pytest.fixture(params=["memory", "moto", "ministack"])
def store(request, prefix, clock):
    """Every store, with the plan `shop` applied."""
    if request.param == "memory":
        return with_plan(MemoryStore(clock))
    client = request.getfixturevalue(f"{request.param}_client")
    create_tables(client, clock, prefix=prefix)
    return with_plan(DynamoDbStore(client, prefix=prefix))


def with_plan(store):
    """The store, with the plan `shop` applied."""
    plan, groups = applied()
    store.apply(plan, groups, removed=(), expected=None)
    return store
