"""Python loads this by itself when its folder is on PYTHONPATH: it writes down every AWS call of a process.

Each process gets a file of its own in the folder `DRSKIT_BENCH_CALLS`.
"""

import os
import pickle
from pathlib import Path
from typing import Any

if "DRSKIT_BENCH_CALLS" in os.environ:
    from botocore.client import BaseClient

    from drskit.clock import RemoteClock

    calls: list[tuple[str, str, Any]] = []
    call_aws = BaseClient._make_api_call
    call_clock = RemoteClock._call

    def note(service: str, operation: str, parameters: Any) -> None:
        """Keep what was asked, also if the process dies after it."""
        calls.append((service, operation, parameters))
        path = Path(os.environ["DRSKIT_BENCH_CALLS"]) / f"{os.getpid()}.pickle"
        path.write_bytes(pickle.dumps(calls))

    def noted_aws(self: Any, operation: str, parameters: Any) -> Any:
        """An AWS call."""
        note(self.meta.service_model.service_name, operation, parameters)
        return call_aws(self, operation, parameters)

    def noted_clock(self: Any, body: Any) -> Any:
        """A look at the world's clock, or a sleep by it."""
        note("clock", self._url.partition("/drskit/")[2], body)
        return call_clock(self, body)

    BaseClient._make_api_call = noted_aws  # type: ignore[method-assign]
    RemoteClock._call = noted_clock  # type: ignore[method-assign]
