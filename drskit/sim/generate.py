"""Many servers of a few lines: `generate` in a world file.

What is made depends on nothing but the file: the same names have the same ids,
and the seed chooses which servers of a group are the odd ones.
"""

import re
from collections import Counter
from ipaddress import IPv4Network, ip_network
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from drskit.sim.ids import Ids
from drskit.sim.spec import ServerSpec, Traits, WorldSpec

PLACE = re.compile(r"\{number(?::0?(\d)d?)?\}")
"""Where a name has its number, perhaps with leading zeros."""
MOST = 10_000


def _pattern(value: object) -> object:
    if not isinstance(value, str) or len(PLACE.findall(value)) != 1 or set(PLACE.sub("", value)) & set("{}"):
        raise PydanticCustomError("pattern", "write a name with one {number} in it, such as web-{number:03d}")
    return value


def _network(value: object) -> object:
    try:
        ip_network(str(value))
    except ValueError as error:
        raise PydanticCustomError("network", "write an IPv4 network such as 10.1.0.0/16") from error
    return value


class Odd(Traits):
    """Some servers of a group, and in what they differ: what is written here stands in the place of the group's."""

    count: Annotated[int, Field(ge=1)]


class Group(Traits):
    """So many servers that are alike."""

    count: Annotated[int, Field(ge=1, le=MOST)]
    names: Annotated[str, BeforeValidator(_pattern)]
    """Each server's name, with `{number}`, counted from 1, somewhere in it; it is the tag Name and the host's name."""
    tags: dict[str, str | Annotated[tuple[str, ...], Field(min_length=1)]] = Field(default_factory=dict)
    """Where a list is written, its values go round."""
    network: Annotated[str, BeforeValidator(_network)] | None = None
    """Where the servers' addresses come from, in turn."""
    of_these: tuple[Odd, ...] = ()
    """The odd ones; which they are is drawn from the seed, and nobody is odd twice."""

    @model_validator(mode="after")
    def _fits(self) -> "Group":
        odd = sum(one.count for one in self.of_these)
        if odd > self.count:
            raise ValueError(f"of_these are {odd} servers, and the group has {self.count}; write fewer")
        if self.network and IPv4Network(self.network).num_addresses < self.count + 2:
            raise ValueError(f"{self.network} has too few addresses for {self.count} servers; write a larger network")
        return self


class WorldFile(WorldSpec):
    """A world file as it is written: servers one by one, and groups of servers to make."""

    generate: tuple[Group, ...] = ()

    @model_validator(mode="after")
    def _names_are_unique(self) -> "WorldFile":
        """Leave it to whoever reads the file: a complaint names the line."""
        return self

    @model_validator(mode="before")
    @classmethod
    def _named(cls, told: Any) -> Any:
        """Servers and instances that have no id get one, as those of a group do."""
        if not isinstance(told, dict) or not isinstance(told.get("servers"), list | tuple):
            return told
        seed, region = told.get("seed", 1), str(told.get("region", cls.model_fields["region"].default))
        ids, names = Ids(seed if isinstance(seed, int) else 1, region), Counter[str]()
        return told | {"servers": [_identified(server, ids, names) for server in told["servers"]]}

    @property
    def ids(self) -> Ids:
        """What names are made from."""
        return Ids(self.seed, self.region, self.account)

    def world(self) -> WorldSpec:
        """The world, with every server by itself."""
        made = [server for group in self.generate for server in members(group, self.ids)]
        told = {name: getattr(self, name) for name in WorldSpec.model_fields}
        return WorldSpec(**told | {"servers": (*self.servers, *made)})


def _identified(server: Any, ids: Ids, names: Counter[str]) -> Any:
    """A server as it is written, with an id that its name gives it; the second of a name has its number besides."""
    if not isinstance(server, dict):
        return server
    name = str(server.get("name", ""))
    names[name] += 1
    whole: dict[str, Any] = {"id": ids.named("s", "declared", name, names[name])} | server
    if isinstance(whole.get("instances"), list | tuple):
        told = enumerate(whole["instances"])
        whole["instances"] = [_with_id(one, ids.ec2("i", "declared", whole["id"], place)) for place, one in told]
    return whole


def _with_id(told: Any, name: str) -> Any:
    return {"id": name} | told if isinstance(told, dict) else told


def members(group: Group, ids: Ids) -> list[ServerSpec]:
    """A group's servers."""
    shared = {name: getattr(group, name) for name in Traits.model_fields}
    drawn = sorted(range(group.count), key=lambda position: ids.chance("odd", group.names, position))
    odd: dict[int, dict[str, Any]] = {}
    for one in group.of_these:
        own = {name: getattr(one, name) for name in one.model_fields_set - {"count"}}
        odd |= {drawn.pop(): own for _ in range(one.count)}
    network = IPv4Network(group.network) if group.network else None
    owns = [_own(group, ids, position, network, odd.get(position, {})) for position in range(group.count)]
    return [ServerSpec(**shared | own) for own in owns]


def _own(group: Group, ids: Ids, position: int, network: IPv4Network | None, odd: dict[str, Any]) -> dict[str, Any]:
    """What one server of a group has for itself."""
    name = PLACE.sub(lambda place: f"{position + 1:0{place[1] or 1}d}", group.names)
    region = odd.get("origin_region", group.origin_region)
    tags = {key: given if isinstance(given, str) else given[position % len(given)] for key, given in group.tags.items()}
    return odd | {
        "id": ids.named("s", "generated", name),
        "name": name,
        "tags": tags,
        "hostname": name,
        "ip": str(network[position + 1]) if network else None,
        "source_instance": ids.ec2("i", "generated", name) if region else None,
    }
