"""`python -m tests.bench [NAME ...]` prints each figure as `name: measured (target)`; exit 1 when one is missed."""

import argparse
import importlib
import sys

NAMES = ("captured", "version", "headless", "report", "board", "notebooks", "poll", "sim", "quotas", "large")


def main() -> None:
    """Measure what was asked for, else everything."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="Measure what drskit is held to.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"any of {', '.join(NAMES)}; all when left out")
    names = parser.parse_args().names or NAMES
    unknown = sorted(set(names) - set(NAMES))
    if unknown:
        parser.error(f"unknown: {', '.join(unknown)}; there are {', '.join(NAMES)}")
    met = True
    for name in names:
        for figure in importlib.import_module(f"tests.bench.{name}").measure():
            print(figure, flush=True)  # noqa: T201 - printing is its work
            met = met and figure.met
    sys.exit(0 if met else 1)


if __name__ == "__main__":
    main()
