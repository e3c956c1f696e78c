"""Operations on the tags of anything that has an ARN."""

from drskit.sim.operations.call import Call, Operation
from drskit.sim.wire import Json


def _tag_resource(call: Call) -> Json:
    call.world.taggable(call.need("resourceArn", str), call.now).update(call.tags())
    return {}


def _untag_resource(call: Call) -> Json:
    held = call.world.taggable(call.need("resourceArn", str), call.now)
    for key in call.need("tagKeys", list):
        held.pop(key, None)
    return {}


def _list_tags_for_resource(call: Call) -> Json:
    return {"tags": dict(call.world.taggable(call.need("resourceArn", str), call.now))}


OPERATIONS = (
    Operation("TagResource", _tag_resource, "D"),
    Operation("UntagResource", _untag_resource, "D"),
    Operation("ListTagsForResource", _list_tags_for_resource, "D"),
)
