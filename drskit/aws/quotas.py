"""What Service Quotas says of DRS's quotas in an account and Region.

A wish, never a need: where it does not answer, or may not be asked, the numbers
that DRS documents are taken, and the doubt is told with them. DRS itself has
the last word: it refuses a request that does not fit, and does nothing.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Protocol

from drskit.aws.faults import asking
from drskit.aws.replies import need
from drskit.errors import Unavailable
from drskit.quotas import IN_ONE_JOB, JOBS, SERVERS, Quotas

KEPT = timedelta(hours=1)
"""How long an answer is kept; these quotas change by a request to AWS, if at all."""
ASKED_AGAIN = timedelta(minutes=5)
"""After how long it is asked again when it did not answer."""


class Asked(Protocol):
    """A client of Service Quotas, as far as it is used."""

    def list_service_quotas(self, **arguments: str) -> Mapping[str, Any]:
        """A page of a service's quotas."""


class ServiceQuotas:
    """DRS's quotas, asked now and then; one for each account and Region."""

    def __init__(self, client: Callable[[], Asked], region: str) -> None:
        """Take the way to a client; it is not made before it is needed."""
        self._make = client
        self._region = region
        self._client: Asked | None = None
        self._known = Quotas()
        self._until: datetime | None = None

    def read(self, now: datetime) -> Quotas:
        """The quotas as last told; of those that nobody told, the documented ones."""
        if self._until is None or now >= self._until:
            self._known, kept = self._ask()
            self._until = now + kept
        return self._known

    def _ask(self) -> tuple[Quotas, timedelta]:
        try:
            with asking(f"ListServiceQuotas in {self._region}"):
                self._client = self._client or self._make()
                told = dict(_values(self._client))
        except Unavailable as error:
            return self._without(error.cause), ASKED_AGAIN
        stated = Quotas()
        known = Quotas(
            jobs=told.get(JOBS, stated.jobs),
            servers=told.get(SERVERS, stated.servers),
            servers_per_job=min(told.get(IN_ONE_JOB, stated.servers_per_job), stated.servers_per_job),
        )
        return known, KEPT

    def _without(self, why: str) -> Quotas:
        """What was told last, if anything was; else what is documented."""
        if self._until is not None and self._known.doubt is None:
            return self._known
        return Quotas(doubt=f"by the numbers that DRS documents, for Service Quotas did not answer: {why}")


def _values(client: Asked) -> Iterator[tuple[str, int]]:
    """Code and value of each quota; every page is read."""
    token: dict[str, str] = {}
    while True:
        page = client.list_service_quotas(ServiceCode="drs", **token)
        for quota in need(page, "Quotas", list):
            yield need(quota, "QuotaCode", str), int(quota["Value"])
        if not page.get("NextToken"):
            return
        token = {"NextToken": str(page["NextToken"])}
