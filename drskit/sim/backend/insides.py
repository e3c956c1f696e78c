"""moto, as far as the door to a world touches its insides: its tables, its dispatcher, and its stub of botocore.

moto keeps its state in tables of the process. They hold a world's state only
while one of its requests is answered, so several worlds can live in a process.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, cast
from urllib.parse import urlsplit

from botocore.awsrequest import AWSPreparedRequest
from moto.backends import get_backend
from moto.core.base_backend import BackendDict
from moto.core.botocore_stubber import BotocoreStubber
from moto.core.models import botocore_stubber
from moto.core.request import normalize_request
from moto.moto_api._internal import mock_random
from werkzeug.exceptions import HTTPException

from drskit.sim.backend import service_quotas
from drskit.sim.faults import Reply

DIRECT = frozenset({"drs", "dynamodb", "ec2", "sts"})
"""Services whose handlers we look up ourselves."""
ANSWERING: list[Callable[[AWSPreparedRequest], Reply]] = []
"""Who answers boto3 in this process: the world that was opened last; worlds may close in any order."""


def let_the_last_answer() -> None:
    """Put the last world's answers in the place of moto's own, or give moto's back when there is none."""
    vars(botocore_stubber).pop("process_request", None)
    if ANSWERING:
        setattr(botocore_stubber, "process_request", ANSWERING[-1])  # noqa: B010 - a method of moto's one stub


def dispatch(request: AWSPreparedRequest, service: str) -> Reply | None:
    """Moto's answer; None where it has none.

    moto's own dispatcher makes a backend of us-east-1 for every service that is asked, which takes EC2 half a second;
    for the services that a drill asks all the time we look up the handler ourselves.
    """
    if service == service_quotas.SERVICE and (told := service_quotas.answer(request)) is not None:
        return told
    if service not in DIRECT:
        return cast("Reply | None", BotocoreStubber().process_request(request))
    address = urlsplit(request.url)
    for pattern, handler in _routes(service):
        if pattern.match(f"https://{address.netloc}{address.path}"):
            try:
                if (reply := _quickly(request, service)) is not None:
                    return reply
                asked = normalize_request(request)
                return cast("Reply", handler(asked, asked.raw_url, asked.headers))
            except HTTPException as error:
                return error.code or 500, dict(error.get_headers()), error.get_body()
    return None


def _quickly(request: AWSPreparedRequest, service: str) -> Reply | None:
    """What is answered without a web server's request: DRS, and what reads and writes DynamoDB's items."""
    if service == "drs":
        from drskit.sim.backend.responses import reply

        return reply(request.method or "", request.url or "", request.headers, cast("bytes | str | None", request.body))
    if service == "dynamodb":
        from drskit.sim.backend.quick_requests import answer

        return answer(request)
    return None


@cache
def _routes(service: str) -> tuple[tuple[re.Pattern[str], Callable[..., object]], ...]:
    """The handlers of a service's addresses."""
    if service == "dynamodb":
        from drskit.sim.backend.quick import quicken

        quicken()
    if service == "ec2":
        from drskit.sim.backend.loading import load_ec2

        load_ec2()
        from drskit.sim.backend.inherited import let_versions_inherit
        from drskit.sim.backend.quick_tags import quicken_tags

        let_versions_inherit()
        quicken_tags()
    tables: Any = get_backend(cast("Any", service))
    blank = object.__new__(tables.backend)  # the addresses depend on the class alone
    return tuple((re.compile(url), handler) for url, handler in blank.urls.items())


def swap(tables: dict[Any, dict[str, Any]]) -> dict[Any, dict[str, Any]]:
    """Put these contents into moto's tables; what they held comes back."""
    in_use: list[Any] = getattr(BackendDict, "_instances")  # noqa: B009 - moto's list of the tables that hold anything
    held = {table: dict(dict.items(table)) for table in in_use}  # its own way asks whether each account is there
    for table in held:
        table.clear()
    for table, content in tables.items():
        dict.update(table, content)
    in_use[:] = list(tables)
    return held


@contextmanager
def named_after(name: str) -> Iterator[None]:
    """Let what moto makes inside have names that follow from this one, in the same world always the same."""
    before = mock_random.getstate()
    mock_random.seed(name)
    try:
        yield
    finally:
        mock_random.setstate(before)
