"""EC2's own checks of instances, as the world says: moto calls every instance ok from its first second on."""

from datetime import datetime
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from drskit.sim.estate import Estate
from drskit.sim.faults import Reply, xml_error
from drskit.sim.healthy import Found, status_of
from drskit.sim.questions import Question

MOST = 1000


class InstanceStatus:
    """EC2's operation on the status of instances, in one Region."""

    operations: frozenset[str] = frozenset({"DescribeInstanceStatus"})

    def __init__(self, estate: Estate) -> None:
        self._estate = estate

    def answer(self, question: Question, now: datetime) -> Reply:
        """The instances that run, or all of them, each with its checks."""
        asked = {name: values[0] for name, values in parse_qs(question.body).items()}
        wanted = [value for name, value in asked.items() if name.startswith("InstanceId.")]
        if any(name.startswith("Filter.") for name in asked):
            return xml_error("ec2", "InvalidParameterValue", 400, "drskit's simulator does not filter statuses")
        found = {one.id: one for one in self._estate.found()}
        missing = [name for name in wanted if name not in found]
        if missing:
            noun, verb = ("IDs", "do") if len(missing) > 1 else ("ID", "does")
            text = f"The instance {noun} '{', '.join(missing)}' {verb} not exist"
            return xml_error("ec2", "InvalidInstanceID.NotFound", 400, text)
        everything = asked.get("IncludeAllInstances") == "true"
        named = [one for one in found.values() if not wanted or one.id in wanted]
        chosen = [one for one in named if everything or one.state == "running"]
        start, size = int(asked.get("NextToken") or 0), int(asked.get("MaxResults") or MOST)
        items = "".join(self._item(one, now) for one in chosen[start : start + size])
        token = f"<nextToken>{start + size}</nextToken>" if start + size < len(chosen) else ""
        shell = '<DescribeInstanceStatusResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">'
        text = f"{shell}<instanceStatusSet>{items}</instanceStatusSet>{token}</DescribeInstanceStatusResponse>"
        return 200, {"content-type": "text/xml"}, text

    def _item(self, found: Found, now: datetime) -> str:
        state = f"<instanceState><code>{found.state_code}</code><name>{found.state}</name></instanceState>"
        words: tuple[str, str] = ("not-applicable", "not-applicable")
        if found.state == "running":
            status = status_of(self._estate.world, found, now)
            words = status.instance, status.system
        checks = "".join(
            f"<{name}Status><status>{word}</status>{_details(word)}</{name}Status>"
            for name, word in zip(("instance", "system"), words, strict=True)
        )
        zone = f"<availabilityZone>{escape(found.zone)}</availabilityZone>"
        return f"<item><instanceId>{found.id}</instanceId>{zone}{state}{checks}</item>"


def _details(word: str) -> str:
    passed = {"ok": "passed", "impaired": "failed"}.get(word, word)
    item = f"<item><name>reachability</name><status>{passed}</status></item>"
    return f"<details>{item}</details>" if word != "not-applicable" else ""
