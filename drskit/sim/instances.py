"""EC2's own checks of instances, and pictures of their consoles, as the world says; to moto every instance is ok."""

import base64
from datetime import datetime
from pathlib import Path
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from drskit.sim.estate import Estate
from drskit.sim.faults import Reply, xml_error
from drskit.sim.healthy import Found, screen_of, status_of
from drskit.sim.questions import Question

MOST = 1000
SCREENS = Path(__file__).parent / "screens"


class InstanceStatus:
    """EC2's operation on the status of instances, in one Region."""

    operations: frozenset[str] = frozenset({"DescribeInstanceStatus", "GetConsoleScreenshot"})

    def __init__(self, estate: Estate) -> None:
        self._estate = estate

    def answer(self, question: Question, now: datetime) -> Reply:
        """The instances that run, or all of them, each with its checks."""
        if question.operation == "GetConsoleScreenshot":
            return self._screenshot(parse_qs(question.body).get("InstanceId", [""])[0])
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

    def _screenshot(self, name: str) -> Reply:
        """A picture of the console of a running instance, where EC2 gives one."""
        found = next((one for one in self._estate.found() if one.id == name), None)
        if found is None:
            return xml_error("ec2", "InvalidInstanceID.NotFound", 400, f"The instance ID '{name}' does not exist")
        screen = screen_of(self._estate.world, found)
        if found.state != "running" or screen == "none":
            return xml_error("ec2", "UnsupportedOperation", 400, "This instance does not support the operation")
        data = base64.b64encode((SCREENS / f"{screen}.jpg").read_bytes()).decode()
        shell = '<GetConsoleScreenshotResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">'
        text = f"{shell}<instanceId>{name}</instanceId><imageData>{data}</imageData></GetConsoleScreenshotResponse>"
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
