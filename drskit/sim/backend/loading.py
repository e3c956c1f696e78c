"""moto's EC2 loaded without reading what nobody asks for, and the rest once.

As it is imported moto reads which instance types each Region of AWS offers,
which no drill asks, and three times the SDK's descriptions of EC2 and of all
Regions. That takes most of a second and half of the memory of a small world.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from pathlib import PurePath
from typing import Any

from botocore import session
from moto.utilities import utils

OFFERINGS = "instance_type_offerings"
_load_resource = utils.load_resource


def load_ec2() -> None:
    """Import moto's EC2, if nobody has yet; later imports find it as it is then."""
    if "moto.ec2" in sys.modules:
        return
    offered: dict[str, dict[str, str]] = {}
    try:
        with _reading_once(offered):
            types: Any = import_module("moto.ec2.models.instance_types")
    except BaseException:
        for name in [name for name in sys.modules if f"{name}.".startswith("moto.ec2.")]:
            del sys.modules[name]  # it was interrupted, and must not stay without its offerings
        raise
    for kind, paths in offered.items():
        types.INSTANCE_TYPE_OFFERINGS[kind] = _Offerings(kind, paths)


def insides_of_ec2() -> Any:
    """What works with moto's EC2, which is loaded when it is needed."""
    load_ec2()
    return import_module("drskit.sim.backend.instances")


@contextmanager
def _reading_once(offered: dict[str, dict[str, str]]) -> Iterator[None]:
    """Inside, sessions share what they read of the SDK, and offerings are only noted, by kind and Region.

    Modules that are imported meanwhile keep `note`, which reads all else as ever.
    """

    def note(resource: str) -> Any:
        path = PurePath(resource)
        if OFFERINGS not in path.parts:
            return _load_resource(resource)
        offered.setdefault(path.parent.name, {})[path.name.partition(".")[0]] = resource
        return []

    make_loader = vars(session)["create_loader"]
    vars(session)["create_loader"], vars(utils)["load_resource"] = cache(make_loader), note
    try:
        yield
    finally:
        vars(session)["create_loader"], vars(utils)["load_resource"] = make_loader, _load_resource


class _Offerings(dict[str, list[dict[str, Any]]]):
    """The instance types that each Region offers, as moto asks for them: each Region's are read then."""

    def __init__(self, kind: str, paths: dict[str, str]) -> None:
        super().__init__()
        self._kind, self._paths = kind, paths

    def __missing__(self, region: str) -> list[dict[str, Any]]:
        found = [one | {"LocationType": self._kind} for one in _load_resource(self._paths[region])]
        self[region] = found
        return found

    def get(self, region: str, otherwise: Any = None) -> Any:
        """A Region's offerings, as ever."""
        return self[region] if region in self._paths else otherwise
