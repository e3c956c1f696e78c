"""Terminals, with and without a world."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from botocore.loaders import JSONFileLoader

from drskit.clock import VirtualClock
from drskit.sim import WorldSpec, load_world, serve
from tests.cli.plans import runbook, world
from tests.cli.proxy import without_the_simulators_mark
from tests.cli.shell import Shell
from tests.harness import RUNBOOKS


@pytest.fixture(scope="package", autouse=True)
def models_are_read_once() -> Iterator[None]:
    """Botocore parses its models for each session anew: once for a command, hundreds of times for these tests."""
    read = JSONFileLoader.load_file
    models: dict[str, Any] = {}

    def read_once(self: JSONFileLoader, file_path: str) -> Any:
        if file_path not in models:
            models[file_path] = read(self, file_path)
        return models[file_path]

    JSONFileLoader.load_file = read_once
    yield
    JSONFileLoader.load_file = read


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """A terminal without AWS."""
    return Shell(tmp_path)


@pytest.fixture
def open_shell(tmp_path: Path) -> Iterator[Callable[..., Shell]]:
    """Opens terminals in served worlds with tables and the runbook `tiny.yaml`; time is virtual."""
    with ExitStack() as stack:

        def open_one(spec: WorldSpec | None = None, *, tables: bool = True, real: bool = False) -> Shell:
            told = spec or world()
            server = stack.enter_context(serve(told, VirtualClock(told.start_time)))
            variables = server.environment()
            if real:
                variables["AWS_ENDPOINT_URL"] = stack.enter_context(without_the_simulators_mark(server.url))
            shell = Shell(tmp_path, variables, server)
            shell.write("tiny.yaml", runbook())
            if tables:
                shell.run("tables", "create")
            return shell

        yield open_one


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    """A terminal in the shipped shop's world, shared by a module's tests."""
    spec = load_world(RUNBOOKS / "worlds" / "shop.yaml")
    with serve(spec, VirtualClock(spec.start_time)) as server:
        shell = Shell(tmp_path_factory.mktemp("shop"), server.environment(), server)
        shell.run("tables", "create")
        yield shell
