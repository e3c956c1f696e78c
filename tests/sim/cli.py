"""Commands of the AWS CLI, one after the other in one process: a process of its own for each takes a second.

`python -m tests.sim.cli` reads a list of steps as JSON from stdin and writes a list of results to stdout. A step is
`{"run": [words], "keep": {name: [keys]}}` or `{"sleep": seconds, "clock": URL}`; a word `{name}` is what an earlier
step kept.
"""

import contextlib
import io
import json
import sys
from functools import reduce
from operator import getitem
from typing import Any

from awscli.clidriver import create_clidriver

from drskit.clock import RemoteClock


def main() -> None:
    """Run the steps."""
    kept: dict[str, str] = {}
    results: list[dict[str, Any]] = []
    for step in json.load(sys.stdin):
        if "sleep" in step:
            RemoteClock(step["clock"]).sleep(step["sleep"])
            continue
        out, err = io.StringIO(), io.StringIO()
        words = [_filled(word, kept) for word in step["run"]]
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = _run([*words, "--output", "json"])
        told = json.loads(out.getvalue()) if code == 0 and out.getvalue().strip() else None
        results.append({"words": words, "code": code, "out": told, "err": err.getvalue()})
        kept |= {name: str(reduce(getitem, path, told)) for name, path in step.get("keep", {}).items()}
    json.dump(results, sys.stdout)


def _run(words: list[str]) -> int:
    try:
        return int(create_clidriver().main(words))
    except SystemExit as end:
        return int(str(end.code or 0))


def _filled(word: str, kept: dict[str, str]) -> str:
    for name, value in kept.items():
        word = word.replace("{" + name + "}", value)
    return word


if __name__ == "__main__":
    main()
