"""What a person does in a notebook is handled in its order, by a real kernel."""

import ast

import pytest
from jupyter_client.manager import start_new_kernel

PANEL = """
import threading
from drskit.views.widgets import WidgetPanel
panel, heard = WidgetPanel(), []
field = panel.text("name", "drs-name")
button = panel.button("Press", "drs-press", lambda: heard.append(threading.current_thread().name))
panel.on_change(field, lambda _line: heard.append(threading.current_thread().name))
"""


@pytest.fixture(scope="module")
def kernel():
    """A kernel's client."""
    manager, client = start_new_kernel()
    yield client
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def ask(client, expression):
    """The value of an expression in the kernel."""
    reply = client.execute("", user_expressions={"it": expression}, reply=True, timeout=60)
    return ast.literal_eval(reply["content"]["user_expressions"]["it"]["data"]["text/plain"])


def send(client, comm, data, subshell):
    """A message of a widget, as JupyterLab sends it."""
    message = client.session.msg("comm_msg", {"comm_id": comm, "data": data})
    message["header"]["subshell_id"] = subshell
    client.shell_channel.send(message)
    while True:
        told = client.get_iopub_msg(timeout=60)
        mine = told["parent_header"].get("msg_id") == message["header"]["msg_id"]
        if mine and told["msg_type"] == "status" and told["content"]["execution_state"] == "idle":
            return


def test_a_press_cannot_overtake_what_was_typed_before_it(kernel):
    """The cell drew the button last, the field's own callback the field: one shell answers for both."""
    assert "ok" == kernel.execute(PANEL, reply=True, timeout=60)["content"]["status"]
    field, button = ask(kernel, "[field.comm.comm_id, button.comm.comm_id]")
    made = kernel.session.msg("create_subshell_request", {})
    kernel.control_channel.send(made)
    subshell = kernel.control_channel.get_msg(timeout=60)["content"]["subshell_id"]
    for line in ("a", "ab"):
        send(kernel, field, {"method": "update", "state": {"value": line}}, subshell)
    send(kernel, button, {"method": "custom", "content": {"event": "click"}}, subshell)
    heard = ask(kernel, "heard")
    assert 3 == len(heard)
    assert 1 == len(set(heard))
