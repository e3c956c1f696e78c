"""A shipped notebook in a page of a real JupyterLab, with its own folder, parameters and kernel."""

from pathlib import Path

import nbformat

from drskit.resources import find_file
from tests.e2e.lab import KERNEL_IDLE, SOON


class OpenNotebook:
    """A notebook that is open in JupyterLab."""

    def __init__(self, lab, page, notebook, name, *, files=None, **parameters):
        self.page = page
        self.folder: Path = lab.root / name
        self.folder.mkdir()
        for path, text in (files or {}).items():
            (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / path).write_text(text)
        nbformat.write(_with_parameters(notebook, parameters), self.folder / "notebook.ipynb")
        self.prompts = page.locator(".jp-CodeCell .jp-InputPrompt")
        page.goto(f"{lab.url}/doc/tree/{name}/notebook.ipynb")
        page.wait_for_selector(".jp-Notebook .jp-Cell")
        page.wait_for_function(KERNEL_IDLE, timeout=SOON)

    def run_all(self):
        """The braces keep the page from waiting for the end."""
        self.page.evaluate("() => { window.jupyterapp.commands.execute('notebook:run-all-cells') }")

    def part(self, name):
        """A part of the panel, by the class that it was given."""
        return self.page.locator(f".{name}")

    def field(self, name):
        """The input of a field of the panel."""
        return self.page.locator(f".{name} input, .{name} textarea, .{name} select").first

    def set(self, name, value):
        """Write into a field as a person does, and leave it."""
        field = self.field(name)
        field.fill(value)
        field.press("Tab")

    def theme(self, name):
        """Change JupyterLab's theme."""
        self.page.evaluate(f"() => window.jupyterapp.commands.execute('apputils:change-theme', {{theme: '{name}'}})")
        light = "true" if "Light" in name else "false"
        self.page.wait_for_selector(f"body[data-jp-theme-light='{light}']", state="attached", timeout=SOON)

    def shut_down(self):
        """End its kernel."""
        self.page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.shutdown()")


def _with_parameters(name, parameters):
    notebook = nbformat.read(find_file(f"notebooks/{name}.ipynb"), as_version=4)
    place = next(i for i, cell in enumerate(notebook.cells) if "parameters" in cell.metadata.get("tags", ()))
    values = "\n".join(f"{key} = {value!r}" for key, value in parameters.items())
    notebook.cells.insert(place + 1, nbformat.v4.new_code_cell(values or "pass"))
    return notebook
