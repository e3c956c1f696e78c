"""What the panel does in a browser between two updates: what a person holds on to stays, and every key works."""

from datetime import timedelta

import pytest

from drskit.offers import offers
from drskit.views.board import board_parts
from drskit.views.forms import Button, command_buttons, command_form, recover_form
from drskit.views.widget import Looks
from tests.e2e.bare import change, open_panel, sent
from tests.e2e.judging import COLOURS, grave
from tests.report import samples

expect = pytest.importorskip("playwright.sync_api").expect

pytestmark = pytest.mark.slow


def parts_of(sample, seconds=0):
    return list(board_parts(sample.execution, sample.now + timedelta(seconds=seconds)))


def buttons_of(sample):
    execution = sample.execution
    made = command_buttons(execution, offers(execution, sample.now), cleanable=False)
    return [button.to_json() for button in made]


def form_of(sample, kind):
    execution = sample.execution
    (offer,) = [offer for offer in offers(execution, sample.now) if offer.kind == kind]
    return command_form(execution, offer).to_json()


def test_an_update_changes_only_what_differs(page, tmp_path):
    """Rows and cells are the same nodes, what is selected stays selected, and the new time is shown."""
    sample = samples.under_way()
    open_panel(page, tmp_path, parts=parts_of(sample))
    page.evaluate(
        """() => {
            window.kept = [...document.querySelectorAll('tr[data-key], tr[data-key] td')];
            getSelection().selectAllChildren(document.querySelector('tr[data-key] b'));
        }"""
    )
    selected = page.evaluate("() => getSelection().toString()")
    change(page, "parts", parts_of(sample, 30))
    assert page.evaluate("() => window.kept.length > 20 && window.kept.every(node => node.isConnected)")
    assert selected == page.evaluate("() => getSelection().toString()") != ""
    expect(page.locator(".drs-board")).to_contain_text("running for 15 min 30 s")


def test_an_open_fold_stays_open(page, tmp_path):
    """It is the person who opens and closes it."""
    sample = samples.large(300)
    open_panel(page, tmp_path, parts=parts_of(sample))
    page.locator("summary").first.click()
    changed = samples.Sample(
        sample.execution.model_copy(update={"waiting_for": "x", "end_time": None}), (), (), sample.now
    )
    change(page, "parts", parts_of(changed, 600))
    assert page.locator("details").first.evaluate("fold => fold.open")
    assert not page.locator("details").nth(1).evaluate("fold => fold.open")


def test_a_focused_button_stays_focused_when_the_others_change(page, tmp_path):
    """One that goes gives the focus to the row of buttons it stood in."""
    keep, go = Button("pause", "Pause …").to_json(), Button("skip", "Skip …").to_json()
    open_panel(page, tmp_path, buttons=[go, keep])
    page.locator(".drs-pause").focus()
    change(page, "buttons", [keep | {"label": "Pause it …"}])
    expect(page.locator(".drs-pause")).to_be_focused()
    expect(page.locator(".drs-pause")).to_have_text("Pause it …")
    change(page, "buttons", [go])
    expect(page.locator(".drs-bar")).to_be_focused()


def test_a_focus_that_has_no_button_left_stays_in_the_panel(page, tmp_path):
    """Start is pressed, and for a moment there is none, or none that can be pressed: Tab goes on from here."""
    start, pause = Button("start", "Start").to_json(), Button("pause", "Pause …").to_json()
    open_panel(page, tmp_path, buttons=[start])
    page.locator(".drs-start").focus()
    change(page, "buttons", [start | {"disabled": True}])
    expect(page.locator(".drs-bar")).to_be_focused()
    change(page, "buttons", [])
    expect(page.locator(".drs-panel")).to_be_focused()
    change(page, "buttons", [pause])
    page.keyboard.press("Tab")
    expect(page.locator(".drs-pause")).to_be_focused()


def test_an_answer_that_was_pressed_gives_the_focus_back(page, tmp_path):
    """Its button can be pressed only once, and the question goes; Tab goes on where it was opened."""
    sample = samples.waiting_for_approval()
    open_panel(page, tmp_path, buttons=buttons_of(sample))
    change(page, "form", form_of(sample, "skip"))
    page.get_by_label("Reason").fill("not tonight")
    page.locator(".drs-confirm").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".drs-confirm")).to_be_disabled()
    expect(page.locator(".drs-form form")).to_be_focused()
    change(page, "form", {})
    expect(page.locator(".drs-skip")).to_be_focused()


def test_what_was_typed_stays_while_the_question_stands(page, tmp_path):
    """Although the answers to choose from have changed; Enter sends it once, and again only after an answer."""
    sample = samples.waiting_for_approval()
    form = form_of(sample, "skip")
    open_panel(page, tmp_path, buttons=buttons_of(sample))
    change(page, "form", form)
    reason = page.get_by_label("Reason")
    expect(reason).to_be_focused()
    reason.fill("not tonight")
    page.get_by_role("combobox", name="What").select_option("wave Web")
    expect(page.locator(".drs-answer")).to_have_text("What happens: wave Web is left out")
    change(page, "form", form | {"about": form["about"][1:]})
    expect(reason).to_have_value("not tonight")
    expect(page.locator(".drs-form select")).to_have_value("wave Web")
    reason.press("Enter")
    expect(page.locator(".drs-confirm")).to_be_disabled()
    answer = {"do": "confirm", "key": "skip", "about": "wave Web", "reason": "not tonight", "typed": ""}
    assert [answer] == sent(page)
    change(page, "form", form | {"tries": 1})
    expect(page.locator(".drs-confirm")).to_be_enabled()
    expect(reason).to_have_value("not tonight")


def test_escape_leaves_a_question_and_an_empty_reason_is_not_sent(page, tmp_path):
    """The page asks for the reason before the kernel does."""
    sample = samples.waiting_for_approval()
    open_panel(page, tmp_path, buttons=buttons_of(sample))
    change(page, "form", form_of(sample, "cancel"))
    page.keyboard.press("Enter")
    assert [] == sent(page)
    page.get_by_label("Reason").fill("   ")
    page.keyboard.press("Enter")
    assert [] == sent(page)
    page.keyboard.press("Escape")
    assert [{"do": "close", "key": "cancel"}] == sent(page)


def test_the_focus_is_seen(page, tmp_path):
    """With a thick line around it, for whoever uses the keyboard."""
    open_panel(page, tmp_path, buttons=[Button("pause", "Pause …").to_json()])
    page.keyboard.press("Tab")
    expect(page.locator(".drs-pause")).to_be_focused()
    assert "3px" == page.locator(".drs-pause").evaluate("button => getComputedStyle(button).outlineWidth")


def test_hostile_texts_do_no_harm_in_a_panel(page, tmp_path):
    """Labels, choices and answers are text; parts were made harmless in the kernel."""
    text = " ".join(samples.HOSTILE)
    form = form_of(samples.waiting_for_approval(), "skip")
    about = [{"value": text, "label": text, "answer": text}, {"value": "b", "label": text, "answer": text}]
    hostile = form | {"title": text, "confirm": text, "placeholder": text, "about": about, "html": ""}
    select = {"key": "open", "label": text, "value": text, "groups": [{"name": text, "options": about}]}
    looks = Looks()
    parts = [looks.lean(part) for part in parts_of(samples.hostile())]
    open_panel(
        page, tmp_path, parts=parts, looks=looks.css, form=hostile, selects=[select],
        buttons=[Button("pause", text).to_json()],
    )  # fmt: skip
    assert 0 == page.locator(".drs-panel :is(script, img, iframe)").count()
    assert 2 == page.locator(".drs-panel style").count()
    expect(page.locator(".drs-title")).to_be_visible()


def test_nothing_grave_stands_between_a_person_and_a_panel(page, tmp_path):
    """Every button, an open question with choices, a board; in a narrow window nothing scrolls sideways."""
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": 400, "height": 800})
    sample = samples.waiting_for_approval()
    looks = Looks()
    parts = [looks.lean(part) for part in parts_of(sample)]
    options = [{"value": "a", "label": "runbooks/shop.yaml"}]
    select = {"key": "open", "label": "Plan", "value": "a", "groups": [{"name": "Runbooks", "options": options}]}
    open_panel(
        page, tmp_path, parts=parts, looks=looks.css, buttons=buttons_of(sample), form=form_of(sample, "skip"),
        selects=[select],
    )  # fmt: skip
    assert [] == grave(page, ".drs-panel")
    page.emulate_media(color_scheme="dark")
    assert [] == grave(page, ".drs-panel", COLOURS)
    assert 400 >= page.evaluate("() => document.documentElement.scrollWidth")
    scrolled = (
        "() => [...document.querySelectorAll('[data-key^=scrolls]')].map(box => box.scrollWidth - box.clientWidth)"
    )
    assert [0, 0, 0] == page.evaluate(scrolled)
    row = page.locator(".drs-board tbody tr").first
    assert row.evaluate("row => getComputedStyle(row.children[3], '::before').content") == '"Time: "'


def test_a_token_is_typed_unseen_and_leaves_nothing_in_the_page(page, tmp_path):
    """A recovery's question has a password field; it is sent once, and empty afterwards."""
    open_panel(page, tmp_path)
    change(page, "form", recover_form("REAL RECOVERY of 2 servers").to_json())
    token = page.locator(".drs-typed")
    expect(token).to_be_focused()
    expect(token).to_have_attribute("type", "password")
    page.keyboard.press("Enter")
    assert [] == sent(page)
    token.fill("A1.secret")
    token.press("Enter")
    answer = {"do": "confirm", "key": "recover", "about": "", "reason": "", "typed": "A1.secret"}
    assert [answer] == sent(page)
    expect(token).to_have_value("")
    expect(page.locator(".drs-reason")).to_be_hidden()
