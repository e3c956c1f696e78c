"""What is offered is what would be carried out: nothing else, and all of it."""

import pytest

from drskit.addressees import OF_A_WAVE, OF_AN_APPROVAL, OF_SERVERS
from drskit.model import CommandKind, ExecutionType
from drskit.offers import cleanable, offer_of, offers
from drskit.orders import REFUSED
from tests.cleanupscenes import cleanups
from tests.commands import answer, servers, waves, whole
from tests.report import samples

CLEANUPS = {f"a cleanup, {name}": (execution, "") for name, execution in cleanups().items()}
SCENES = [
    pytest.param(kind, scene, id=f"{kind} {name}")
    for kind in CommandKind
    for name, scene in {**whole(), **waves(), **servers(), **CLEANUPS}.items()
]


def accepted(execution, kind):
    """Everything that the page of commands says would be obeyed: the waves and servers that a person can name."""
    about = [] if kind in OF_AN_APPROVAL | {CommandKind.SKIP} else [(None, ())]
    about += [(wave.wave_name, ()) for wave in execution.waves] if kind in OF_A_WAVE else []
    ids = [server.source_server_id for wave in execution.waves for server in wave.servers]
    about += [(None, (name,)) for name in ids] if kind in OF_SERVERS else []
    return [one for one in about if not answer(execution, kind, *one).startswith(REFUSED)]


@pytest.mark.parametrize(("kind", "scene"), SCENES)
def test_an_offer_is_what_the_page_of_commands_answers(kind, scene):
    """In every status: each choice would be obeyed, and a command without one is refused for all."""
    execution, _ = scene
    now = execution.end_time or execution.start_time
    offer = offer_of(execution, kind, now)
    obeyed = accepted(execution, kind)
    assert bool(obeyed) == bool(offer.choices)
    chosen = [(choice.wave, (choice.server,) if choice.server else ()) for choice in offer.choices]
    assert set(chosen) <= set(obeyed)
    if (None, ()) in chosen:
        whole_answer = answer(execution, kind, None, ())
        assert {whole_answer} >= {answer(execution, kind, *one) for one in set(obeyed) - set(chosen)}
    else:
        assert set(chosen) == set(obeyed)
    assert bool(offer.refusal) != bool(offer.choices)


@pytest.mark.parametrize("name", whole())
def test_the_quick_look_offers_the_same_commands(name):
    """It only leaves out single servers where a wave can be named already."""
    execution, _ = whole()[name]
    now = execution.end_time or execution.start_time
    quick = {offer.kind for offer in offers(execution, now) if offer.choices}
    assert quick == {kind for kind in CommandKind if offer_of(execution, kind, now).choices}


ZOE, MIRA = (f"arn:aws:iam::123456789012:user/{name}" for name in ("zoe", "mira"))


@pytest.mark.parametrize(
    ("by", "offered"), [(ZOE, True), (MIRA, False), (None, True)], ids=["who may", "who may not", "whoever it is"]
)
def test_an_approval_is_offered_to_whoever_may_give_it(by, offered):
    """And to nobody else; where nobody is known, to be said by somebody who may."""
    execution, _ = whole()["PAUSED, for an approval"]
    asked = [
        wave.model_copy(update={"approval": wave.approval and wave.approval.model_copy(update={"by": ("zoe",)})})
        for wave in execution.plan.waves
    ]
    plan = execution.plan.model_copy(update={"waves": tuple(asked)})
    offer = offer_of(execution.model_copy(update={"plan": plan}), CommandKind.APPROVE, execution.start_time, by=by)
    assert offered == bool(offer.choices)
    assert offered or f"{MIRA} may not approve it; it is to be approved by zoe" in offer.refusal


def test_nothing_is_recorded_by_an_offer():
    """The execution is a value; what is tried on it is thrown away."""
    execution, _ = whole()["PAUSED, for an approval"]
    before = execution.to_json()
    offers(execution, execution.start_time)
    assert before == execution.to_json()


def test_a_cleanup_is_offered_for_what_is_over_and_may_have_instances():
    """Of a recovery, too; not while it runs, not for a cleanup, not when all of it is gone."""
    assert cleanable(samples.completed().execution)
    assert not cleanable(samples.under_way().execution)
    assert not cleanable(samples.cleaned().execution)
    recovery = samples.completed().execution.model_copy(update={"execution_type": ExecutionType.RECOVERY})
    assert cleanable(recovery)
    assert not cleanable(whole()["CANCELLED"][0])
