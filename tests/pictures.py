"""Pictures of what people see: `python -m tests.pictures [NAME ...]` makes them in `pictures/`, to be looked at.

Each shipped notebook is run in a real JupyterLab and shown light, dark and
narrow; the report of a drill is shown light, dark and as it is printed. A drill
is started by its button. What does not come to its end is shown as far as it
got, and said.
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from drskit.cli import main as drskit
from tests.e2e.lab import CHROMIUM, CHROMIUM_FLAGS, KERNEL_IDLE, Lab, jupyterlab
from tests.harness import ROOT

FOLDER = Path("pictures")
REPORT = "report"
WIDE, NARROW, PAPER = (1200, 900), (400, 900), (720, 1000)
PATIENCE = 120_000
"""How long a notebook may run, in milliseconds."""
TALLEST = 12_000
"""Pixels of a picture; a longer notebook is cut."""
PAINTED = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
PARAMETERS: dict[str, dict[str, object]] = {
    "03-run-a-drill": {"runbook": "runbooks/shop.yaml"},
    "04-watch-executions": {"runbook": "runbooks/shop.yaml"},
}
"""Where the defaults would show little."""
REPORTED = ("shop", "failing", "examples/checks", "examples/actions", "examples/budget", "examples/quotas")
"""Runbooks whose reports are taken: what most people see, then the sections that only some plans have."""
EARLIER = """
from drskit.drill import open_drill
from drskit.model import CommandKind

for approvals, reason in (("all", ""), ("all", ""), ("ask", "the wrong night"), ("ask", "")):
    drill = open_drill(runbook="runbooks/shop.yaml", approvals=approvals)
    drill.start()
    while drill.step():
        pass
    if reason:
        drill.command(CommandKind.CANCEL, reason)
        while drill.step():
            pass
"""
"""What has happened before `04-watch-executions` is opened: two drills, one that was cancelled, one that waits."""
DONE = """() => {
    const prompts = [...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')];
    return prompts.length > 0 && /\\[\\d+\\]/.test(prompts.at(-1).textContent);
}"""


def main() -> None:
    """Make the pictures that were asked for, else all."""
    notebooks = sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb"))
    parser = argparse.ArgumentParser(prog="python -m tests.pictures", description="Make pictures of what people see.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"any of {', '.join([*notebooks, REPORT])}; else all")
    names = parser.parse_args().names or [*notebooks, REPORT]
    unknown = sorted(set(names) - {*notebooks, REPORT})
    if unknown:
        parser.error(f"unknown: {', '.join(unknown)}")
    FOLDER.mkdir(exist_ok=True)
    with TemporaryDirectory() as folder, chromium(Path(folder) / "profile") as browser:
        wanted = [name for name in names if name != REPORT]
        if wanted:
            with jupyterlab(Path(folder) / "lab") as lab:
                for name in wanted:
                    take_notebook(browser, lab, name)
        if REPORT in names:
            take_report(browser, Path(folder) / "runs")


@contextmanager
def chromium(profile: Path) -> Iterator[Any]:
    """A browser."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch_persistent_context(
            str(profile), executable_path=CHROMIUM, headless=True, args=CHROMIUM_FLAGS
        )
        yield browser
        browser.close()


def take_notebook(browser: Any, lab: Lab, name: str) -> None:
    """Run a notebook in JupyterLab, answer what a drill asks, and take it light, narrow and dark."""
    folder = lab.add(name, name, **PARAMETERS.get(name, {}))
    if name == "04-watch-executions":
        attended = os.environ | {"DRSKIT_UI": "live"}  # else the world would end with its drills
        subprocess.run([sys.executable, "-c", EARLIER], cwd=folder, env=attended, check=True)
    page = browser.new_page()
    page.set_viewport_size(dict(zip(("width", "height"), WIDE, strict=True)))
    page.goto(f"{lab.url}/doc/tree/{name}/it.ipynb")
    page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=PATIENCE)
    page.wait_for_function(KERNEL_IDLE, timeout=PATIENCE)
    command(page, "notebook:run-all-cells")
    if name == "03-run-a-drill":
        page.locator("button.drs-start").click(timeout=PATIENCE)
        page.locator(".drs-form form").wait_for(timeout=PATIENCE)
        shoot(page, f"{name}-asks", WIDE)
        page.locator("button.drs-confirm").click()
    try:
        page.wait_for_function(DONE, timeout=PATIENCE)
    except browser_errors() as error:
        tell(f"{name} did not come to its end: {str(error).splitlines()[0]}")
    shoot(page, f"{name}-light", WIDE)
    shoot(page, f"{name}-narrow", NARROW)
    for theme in ("Dark", "Light"):
        command(page, "apputils:change-theme", f"{{theme: 'JupyterLab {theme}'}}")
        light = str(theme == "Light").lower()
        page.wait_for_selector(f"body[data-jp-theme-light={light}]", state="attached", timeout=PATIENCE)
        page.wait_for_selector("#jupyterlab-splash", state="detached", timeout=PATIENCE)
        if theme == "Dark":
            shoot(page, f"{name}-dark", WIDE)
    page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.shutdown()")
    page.close()


def command(page: Any, name: str, arguments: str = "{}") -> None:
    """Give JupyterLab a command."""
    page.evaluate(f"() => {{ window.jupyterapp.commands.execute('{name}', {arguments}) }}")


def browser_errors() -> type[Exception]:
    """What a wait in vain raises."""
    from playwright.sync_api import TimeoutError as TimedOut

    return TimedOut


def shoot(page: Any, name: str, size: tuple[int, int]) -> None:
    """A picture as high as what is shown."""
    page.set_viewport_size({"width": size[0], "height": TALLEST if page.locator(".jp-Notebook").count() else size[1]})
    page.evaluate("() => document.querySelectorAll('.jp-WindowedPanel-outer').forEach(node => node.scrollTo(0, 0))")
    page.evaluate(PAINTED)
    height = page.evaluate(
        """() => {
            const last = [...document.querySelectorAll('.jp-Notebook .jp-Cell')].at(-1);
            return last ? last.getBoundingClientRect().bottom + 60 : document.documentElement.scrollHeight;
        }"""
    )
    page.set_viewport_size({"width": size[0], "height": min(max(int(height), size[1]), TALLEST)})
    page.evaluate(PAINTED)
    target = FOLDER / f"{name}.png"
    page.screenshot(path=str(target))
    tell(str(target))


def take_report(browser: Any, runs: Path) -> None:
    """Drill in simulation, and take the report light, dark and printed."""
    for path in REPORTED:
        runbook = Path(path).stem
        words = ["drill", f"runbooks/{path}.yaml", "--simulate", "--approve-all", "--output", str(runs / runbook)]
        with suppress(SystemExit):  # a drill that fails is a picture, too
            drskit(words, prog_name="drskit")
        (report,) = (runs / runbook).glob("*/report.html")
        page = browser.new_page()
        page.goto(report.as_uri())
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            shoot(page, f"{REPORT}-{runbook}-{scheme}", WIDE)
        page.emulate_media(color_scheme="light")
        shoot(page, f"{REPORT}-{runbook}-narrow", NARROW)
        page.emulate_media(media="print")
        shoot(page, f"{REPORT}-{runbook}-print", PAPER)
        page.close()


def tell(words: str) -> None:
    """Say what was made."""
    print(words, file=sys.stdout, flush=True)  # noqa: T201 - printing is its work


if __name__ == "__main__":
    main()
