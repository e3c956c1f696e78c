"""What an edit makes of a wave, without anything outside; and what it must never make."""

from datetime import timedelta
from decimal import Decimal

import pytest

from drskit.actions import Action, ActionKind, ActionMode, Wait
from drskit.amending import basis_of, not_editable
from drskit.amending import told as edited_words
from drskit.model import (
    Approval,
    CommandKind,
    Execution,
    ExecutionStatus,
    ExecutionType,
    ServerRun,
    WaveEdit,
    WaveStatus,
)
from drskit.states import IllegalTransition, check
from tests.builders import Walk, execution_of, sid, wave
from tests.test_costs import SIZE, with_sizes

MIRA = "arn:aws:iam::123456789012:user/mira"
NOOR = "arn:aws:iam::123456789012:user/noor"
ASKED = Approval(text="The database accepts logins.", by=("noor",), timeout=timedelta(minutes=30))


def walked(*, approval: Approval | None = None, **changes) -> Walk:
    """A drill of two waves whose first asks for its launch, so that the second is PENDING."""
    walk = Walk(execution_of((wave("Database"), 2), (wave("Application", approval=approval, **changes), 2)))
    return walk.run()


def edit_of(execution: Execution, of: str = "Application", *, add=(), remove=(), group=None, **fields) -> WaveEdit:
    """An edit of a wave as it is now."""
    plan_wave = next(one for one in execution.plan.waves if one.name == of)
    added = tuple(ServerRun(source_server_id=server_id) for server_id in add)
    return WaveEdit(
        wave=plan_wave.model_copy(update=fields), basis=basis_of(plan_wave, execution.wave(of)), added=added,
        groups=dict.fromkeys(add, group or plan_wave.groups[0]), removed=tuple(remove),
    )  # fmt: skip


def told(walk: Walk, edit: WaveEdit | None, *, by: str = MIRA, name: str = "Application") -> str:
    """The answer to an edit."""
    walk.command(CommandKind.EDIT, name, edit=edit, by=by)
    walk.run()
    return walk.execution.commands[-1].answer or ""


@pytest.mark.parametrize("approval", [ASKED, None])
def test_what_an_edit_adds_to_a_wave_that_was_weighed_is_weighed_before_it_is_launched(approval):
    """The wave waits for its approval; it launches nothing before somebody has allowed more, approved or not."""
    walk = with_sizes(wave("Database"), wave("Application", approval=ASKED))
    budget = walk.execution.budget.model_copy(update={"limit_usd": Decimal(9)})
    walk.execution = walk.execution.model_copy(update={"budget": budget})
    walk.wave_done()
    edit = edit_of(walk.execution, add=[sid(9)], approval=approval)
    told(walk, edit.model_copy(update={"added": (ServerRun(source_server_id=sid(9), size=SIZE),)}), by=NOOR)
    walk.obstacles[sid(9)] = None
    if approval:
        walk.command(CommandKind.APPROVE, "Application", by=NOOR)
        walk.run()
    assert (ExecutionStatus.PAUSED, 1) == (walk.status, len(walk.launches))
    assert "with wave Application it would come to $10.12, and $9.00 are allowed" in walk.execution.waiting_for
    walk.command(CommandKind.RESUME)
    walk.run()
    assert (sid(3), sid(4), sid(9)) == walk.launches[-1].server_ids


def test_an_edit_changes_what_is_executed_and_keeps_what_was_started():
    """Servers, timeout and approval; the wave then launches what it has."""
    walk = walked()
    walk.obstacles[sid(9)] = None
    started = walk.execution.plan
    answer = told(walk, edit_of(walk.execution, add=[sid(9)], remove=[sid(3)], timeout=timedelta(hours=2)))
    assert f"wave Application: adds {sid(9)}; removes {sid(3)}; timeout: PT2H, not PT1H30M" == answer
    assert started == walk.execution.applied == walk.execution.started_plan
    assert timedelta(hours=2) == walk.execution.plan.waves[1].timeout
    assert started.digest != walk.execution.plan.digest
    walk.wave_done()
    walk.wave_done()
    assert ExecutionStatus.COMPLETED is walk.status
    assert {sid(4), sid(9)} == {one.source_server_id for one in walk.execution.waves[1].servers}
    assert (sid(4), sid(9)) == walk.execution.attempts_of("Application")[0].server_ids


def test_an_answer_tells_what_differs_as_runbooks_write_it():
    """Of a key with parts those that differ; what was not there, whole."""
    walk = walked(approval=ASKED)
    later = ASKED.model_copy(update={"text": "Logins work.", "not_starter": True})
    told_so = told(walk, edit_of(walk.execution, approval=later, optional=(sid(3), sid(4))), by=NOOR)
    assert (
        "wave Application: approve.text: Logins work., not The database accepts logins.; "
        f"approve.not_starter: true, not false; optional: [{sid(3)}, {sid(4)}], not none"
    ) == told_so
    told_so = told(walk, edit_of(walk.execution, approval=None), by=NOOR)
    was = "{text: Logins work., timeout: PT30M, on_timeout: cancel, by: [noor], not_starter: true}"
    assert f"wave Application: approve: none, not {was}" == told_so


def test_an_edit_of_servers_alone_leaves_the_plan_as_it_reads():
    """The plan names groups: nobody is told that it is another one, with twice the same digest."""
    walk = walked()
    told(walk, edit_of(walk.execution, remove=[sid(3)]))
    assert edited_words(walk.execution).startswith("Edited while it ran: the plan reads as it was started (")
    told(walk, edit_of(walk.execution, timeout=timedelta(hours=3)))
    assert "is not the one that is executed" in edited_words(walk.execution)


def test_a_second_edit_keeps_the_first_plan():
    """What was started stays what it was."""
    walk = walked()
    started = walk.execution.plan
    told(walk, edit_of(walk.execution, timeout=timedelta(hours=2)))
    told(walk, edit_of(walk.execution, timeout=timedelta(hours=3)))
    assert started == walk.execution.applied
    assert timedelta(hours=3) == walk.execution.plan.waves[1].timeout


@pytest.mark.parametrize(
    ("name", "words"),
    [("Database", "wave Database is PREPARING; only what has not started can be edited"), ("Web", "there is no wave")],
)
def test_what_has_started_is_not_edited(name, words):
    """Whatever the edit says."""
    walk = walked()
    before = walk.execution
    edit = edit_of(before, "Database", timeout=timedelta(hours=2))
    assert words in told(walk, edit, name=name)
    assert before.plan == walk.execution.plan
    assert walk.execution.applied is None


def test_what_a_recovery_does_is_not_edited():
    """Its token was given for these actions; of a drill the same edit is carried out."""
    other = Action(does=Wait(kind=ActionKind.WAIT, span=timedelta(minutes=1)), modes=(ActionMode.RECOVERY,))
    for kind, words in ((ExecutionType.RECOVERY, "was authorised as it is"), (ExecutionType.DRILL, "wave Application")):
        walk = walked()
        walk.execution = walk.execution.model_copy(update={"execution_type": kind})
        assert words in told(walk, edit_of(walk.execution, after=(other,)))
        assert (kind is ExecutionType.RECOVERY) is (walk.execution.applied is None)


def test_a_wave_that_was_launched_once_is_not_edited():
    """A retry may have made it PENDING again; what it launched is counted in chunks of the old list."""
    walk = walked()
    walk.execution = walk.execution.model_copy(
        update={
            "attempts": tuple(
                one.model_copy(update={"wave_name": "Application"}) for one in walk.execution.attempts
            )
        }
    )  # fmt: skip
    complaint = not_editable(walk.execution, walk.execution.wave("Application"))
    assert "were launched before" in (complaint or "")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "says so already"),
        ({"add": [sid(1)]}, f"{sid(1)} is in wave Database; take it out there first"),
        ({"add": [sid(3)]}, f"{sid(3)} is in wave Application; take it out there first"),
        ({"add": [sid(9), sid(9)]}, "stands twice"),
        ({"remove": [sid(1)]}, f"{sid(1)} is not in wave Application"),
        ({"remove": [sid(3), sid(4)]}, "would have no server; skip leaves a wave out"),
        ({"order": ((sid(1),),)}, f"{sid(1)} is named by the wave's order or optional, and is not in it"),
        ({"remove": [sid(3)], "optional": (sid(3),)}, f"{sid(3)} is named by"),
        ({"name": "Other"}, "changes neither its name nor its groups nor its needs"),
        ({"groups": ("shop.database",)}, "changes neither its name nor its groups nor its needs"),
        ({"needs": ()}, "changes neither its name nor its groups nor its needs"),
    ],
)
def test_an_edit_that_makes_no_sense_is_refused_whole(changes, words):
    """With the reason, and nothing of it is done."""
    walk = walked()
    before = walk.execution
    assert words in told(walk, edit_of(before, **changes))
    assert (before.plan, before.waves, None) == (walk.execution.plan, walk.execution.waves, walk.execution.applied)


def test_an_edit_of_another_state_of_the_wave_is_refused():
    """Two people edit at once: the second looks again."""
    walk = walked()
    old = edit_of(walk.execution, remove=[sid(3)])
    told(walk, edit_of(walk.execution, timeout=timedelta(hours=2)))
    assert "was changed since it was looked at" in told(walk, old)
    assert 2 == len(walk.execution.wave("Application").servers)


def test_an_execution_that_is_being_ended_is_not_edited():
    """Nothing more of it starts."""
    walk = walked()
    walk.command(CommandKind.CANCEL)
    walk.run()
    assert told(walk, edit_of(walk.execution, timeout=timedelta(hours=2))).startswith("refused: ")


# --- no way around an approval ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {"approval": None},
        {"approval": ASKED.model_copy(update={"by": ()})},
        {"approval": ASKED.model_copy(update={"by": ("mira",)})},
        {"approval": ASKED.model_copy(update={"text": "ok"})},
        {"remove": [sid(3)]},
        {"timeout": timedelta(hours=2)},
    ],
)
def test_only_who_may_approve_a_wave_may_edit_it(changes):
    """Whatever of it; the plan's word is not another's to soften."""
    walk = walked(approval=ASKED)
    answer = told(walk, edit_of(walk.execution, **changes))
    assert answer.startswith("refused: who edits wave Application must be one who may approve wave Application")
    assert not told(walk, edit_of(walk.execution, **changes), by=NOOR).startswith("refused")


def test_not_even_the_starter_where_it_is_to_be_somebody_else():
    """`not_starter` holds for an edit, too."""
    walk = walked(approval=Approval(text="Now?", not_starter=True))
    assert "is to be approved by somebody else" in told(walk, edit_of(walk.execution, approval=None))


def test_a_server_takes_its_approval_along():
    """Moved out of a wave that somebody else must approve, it cannot be launched by one that nobody must."""
    walk = Walk(
        execution_of((wave("Database"), 2), (wave("Application", approval=ASKED), 2), (wave("Web", needs=()), 1))
    )
    answer = told(walk, edit_of(walk.execution, "Database", add=[sid(9)], group="shop.application"), name="Database")
    assert "must be one who may approve wave Application" in answer


def test_a_question_that_is_edited_is_asked_anew():
    """Its time begins again when its timeout changes; removed by one who may give it, the wave begins."""
    walk = Walk(execution_of((wave("Database", approval=ASKED), 2), (wave("Application"), 2))).run()
    assert WaveStatus.WAITING_APPROVAL is walk.execution.wave("Database").status
    longer = ASKED.model_copy(update={"timeout": timedelta(hours=1), "text": "Both databases accept logins."})
    told(walk, edit_of(walk.execution, "Database", approval=longer), by=NOOR, name="Database")
    run = walk.execution.wave("Database")
    assert (WaveStatus.WAITING_APPROVAL, run.waiting_since) == (run.status, run.approve_by - timedelta(hours=1))
    assert "Both databases accept logins." in (walk.execution.waiting_for or "")
    told(walk, edit_of(walk.execution, "Database", approval=None), by=NOOR, name="Database")
    assert WaveStatus.WAITING_APPROVAL is not walk.execution.wave("Database").status
    assert walk.launches


def test_an_approval_can_be_asked_for_by_anybody():
    """To ask one question more opens nothing."""
    walk = walked()
    assert "approve: " in told(walk, edit_of(walk.execution, approval=ASKED))
    walk.wave_done()
    assert WaveStatus.WAITING_APPROVAL is walk.execution.wave("Application").status


# --- nothing else changes servers or plan ----------------------------------------------------------------------------


def test_servers_and_plan_change_by_an_edit_alone():
    """A fault in drskit that would lose a server is not written."""
    before = walked().execution
    first, second = before.waves
    fewer = second.model_copy(update={"servers": second.servers[:1]})
    with pytest.raises(IllegalTransition, match="cannot have other servers without an edit"):
        check(before, before.model_copy(update={"waves": (first, fewer)}))
    plan = execution_of((wave("Database"), 2), (wave("Application", max_failed=1), 2)).plan
    with pytest.raises(IllegalTransition, match="its plan cannot become another without an edit"):
        check(before, before.model_copy(update={"plan": plan}))
