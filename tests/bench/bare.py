"""The yardstick of a headless drill: papermill on a notebook of bare boto3 calls, in a world served the same way.

`python -m tests.bench.bare plain|lean WORLD NOTEBOOK TARGET CALLS`: lean leaves
out a URI grammar that papermill's imports take a second to build, as drskit does.
"""

import os
import sys
from pathlib import Path

from drskit.clock import VirtualClock
from drskit.sim import load_world, serve


def main(way: str, world: str, notebook: str, target: str, calls: str) -> None:
    """Serve the world, run the notebook, stop."""
    if way == "lean":
        sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]  # None means: not installed
    import papermill

    spec = load_world(Path(world))
    with serve(spec, VirtualClock(spec.start_time)) as server:
        os.environ |= server.environment()
        papermill.execute_notebook(notebook, target, parameters={"calls": calls}, progress_bar=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
