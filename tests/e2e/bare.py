"""The panel's file on a bare page, over a model that a test holds: what it draws and sends, without JupyterLab."""

import json
from pathlib import Path
from typing import Any

from drskit.views.widget import CSS, ESM

PAGE = """<!doctype html><html lang="en"><head><title>A panel</title>
<style>:root {{ color-scheme: light dark }} {css}</style></head><body><main><h1>A panel</h1></main>
<script type="module">
{esm}
const state = {{ name: "A panel", parts: [], looks: "", selects: [], buttons: [], form: {{}}, status: "", ...{state} }};
const heard = {{}};
window.sent = [];
const model = {{
  get: (name) => state[name], send: (message) => window.sent.push(message), off: () => {{}},
  on: (event, work) => {{ heard[event] = work; }},
}};
PANEL.render({{ model, el: document.querySelector("main") }});
window.change = (name, value) => {{
  const began = performance.now();
  state[name] = value;
  heard[`change:${{name}}`]();
  document.body.getBoundingClientRect(); // style and layout are part of the wait
  return performance.now() - began;
}};
window.ready = true;
</script></body></html>"""


def open_panel(page: Any, folder: Path, **state: object) -> None:
    """Show a panel in this state; `change(page, …)` is what the kernel would send next."""
    told = json.dumps(state).replace("</", "<\\/")
    esm = ESM.read_text(encoding="utf-8").replace("export default", "const PANEL =")
    file = folder / "panel.html"
    file.write_text(PAGE.format(css=CSS.read_text(encoding="utf-8"), esm=esm, state=told), encoding="utf-8")
    page.goto(file.as_uri())
    page.wait_for_function("() => window.ready")


def change(page: Any, name: str, value: object) -> float:
    """Change a trait; how long the browser was busy with it, in milliseconds."""
    return float(page.evaluate("([name, value]) => window.change(name, value)", [name, value]))


def sent(page: Any) -> Any:
    """What the browser has told the kernel."""
    return page.evaluate("() => window.sent")
