"""Two programs that the simulator knows, where a command runs them: bash's `/dev/tcp`, and curl.

No document is run. But a probe that a drill sends as a command tries ports and
URLs of the world's instances, so it must see of them what a probe from anywhere
else sees.
"""

import re
from datetime import datetime
from urllib.parse import urlsplit

from drskit.sim.answers import CommandAnswer
from drskit.sim.estate import Estate
from drskit.sim.healthy import Found, Tried, try_port, try_url

PORT = re.compile(r"/dev/tcp/(?P<host>[^/\s']+)/(?P<port>\d+)|ConnectAsync\('?(?P<name>[^',]+)'?, (?P<number>\d+)\)")
CURL = re.compile(r"\bcurl(?:\.exe)? .*?(?P<url>https?://[^\s']+)", re.DOTALL)
CONNECT = re.compile(r"--connect-to '?[^:\s']+:\d+:(?P<host>[^:\s']+):\d+")
CURL_CODES = {"refused": 7, "timed out": 28}
CERTIFICATE = 60
"""What curl ends with when a certificate is not good."""


def probe_answer(estate: Estate, text: str, now: datetime) -> CommandAnswer | None:
    """How a command ends that tries a port or a URL; None where it does neither."""
    known = {address: one for one in estate.found() for address in (one.private_ip, one.public_ip) if address}
    curl = CURL.search(text)
    if curl:
        return _by_curl(estate, text, curl["url"], known, now)
    port = PORT.search(text)
    if port is None:
        return None
    host, number = port["host"] or port["name"], int(port["port"] or port["number"])
    tried = try_port(estate.world, known.get(host), number, now)
    return CommandAnswer(takes=1, exit_code=0 if tried.open else 1)


def _by_curl(estate: Estate, text: str, url: str, known: dict[str, Found], now: datetime) -> CommandAnswer:
    connect = CONNECT.search(text)
    host = connect["host"] if connect else urlsplit(url).hostname or ""
    verify = re.search(r"\s-k\s", text) is None
    tried = try_url(estate.world, known.get(host), url, now, verify=verify)
    status = f"{tried.status or 0:03d}"
    return CommandAnswer(takes=1, exit_code=_code(tried), stdout=f"DRSKIT-HTTP {status}\n{tried.body}")


def _code(tried: Tried) -> int:
    return 0 if tried.open else CURL_CODES.get(tried.code, CERTIFICATE)
