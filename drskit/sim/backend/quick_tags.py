"""EC2's tags read without detours: a look for instances by their tags asks for those of each one.

moto goes through the tags of everything in EC2 to find those of one resource, and
turns each value of a filter into a pattern again for each instance. What asks for
one resource by its id is looked up here, and values without wildcards are
compared as they stand; all else goes moto's own way.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from moto.ec2 import utils
from moto.ec2.models import security_groups
from moto.ec2.models.tags import TagBackend
from moto.ec2.utils import EC2_PREFIX_TO_RESOURCE, get_obj_tag_values, get_prefix

WILD = re.compile(r"[*?\[\\]")
"""What may mean more than itself in a filter."""
_describe_by_moto = TagBackend.describe_tags
_matches_by_moto = utils.tag_filter_matches


def quicken_tags() -> None:
    """Put the short ways in the place of moto's; repeating it does nothing."""
    setattr(TagBackend, "describe_tags", _describe)  # noqa: B010 - a method of moto's
    setattr(utils, "tag_filter_matches", _matches)  # noqa: B010
    setattr(security_groups, "tag_filter_matches", _matches)  # noqa: B010


def _describe(self: Any, filters: dict[str, list[str]] | None = None) -> list[dict[str, str]]:
    """The tags that pass; those of one resource are looked up."""
    ids = (filters or {}).get("resource-id", [])
    if len(filters or {}) != 1 or len(ids) != 1 or WILD.search(ids[0]):
        return _describe_by_moto(self, filters)
    (resource_id,) = ids
    kind = EC2_PREFIX_TO_RESOURCE.get(get_prefix(resource_id), "")
    return [
        {"resource_id": resource_id, "key": key, "value": value, "resource_type": kind}
        for key, value in self.tags.get(resource_id, {}).items()
    ]


def _matches(obj: Any, filter_name: str, filter_values: list[str]) -> bool:
    """Whether a resource passes a filter of tags."""
    if not filter_name.startswith("tag:") or not _plain(tuple(filter_values)):
        return _matches_by_moto(obj, filter_name, filter_values)
    return not get_obj_tag_values(obj, key=filter_name.removeprefix("tag:")).isdisjoint(filter_values)


@lru_cache(maxsize=64)
def _plain(values: Sequence[str]) -> bool:
    """Whether none of these values is a pattern."""
    return not any(WILD.search(value) for value in values)
