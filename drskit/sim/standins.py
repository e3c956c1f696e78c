"""The stand-ins of a world: which services have one, and what it is made of."""

from collections.abc import Callable
from datetime import datetime

from drskit.sim.automation import Automation
from drskit.sim.estate import Estate
from drskit.sim.faults import Reply
from drskit.sim.functions import Functions
from drskit.sim.instances import InstanceStatus
from drskit.sim.probes import Probes
from drskit.sim.questions import Question
from drskit.sim.runcommand import RunCommand
from drskit.sim.standin import StandIn
from drskit.sim.topics import Topics

MADE: dict[str, Callable[[Estate], tuple[StandIn, ...]]] = {
    "ec2": lambda estate: (InstanceStatus(estate),),
    "ssm": lambda estate: (RunCommand(estate), Automation(estate.world)),
    "lambda": lambda estate: (Functions(estate.world),),
    "sns": lambda estate: (Topics(estate.world),),
    "drskit-probe": lambda estate: (Probes(estate),),
}
"""By service: what answers for some of its operations, made for one Region."""


class StandIns:
    """Answers in moto's place where there is somebody to do it."""

    def __init__(self, estate_of: Callable[[str], Estate]) -> None:
        """Take a way to the EC2 side of a Region."""
        self._estate_of = estate_of
        self._made: dict[tuple[str, str], tuple[StandIn, ...]] = {}

    def answer(self, question: Question, now: datetime) -> Reply | None:
        """The reply to a request; None where moto answers itself."""
        make = MADE.get(question.service)
        if make is None:
            return None
        place = question.service, question.region
        if place not in self._made:
            self._made[place] = make(self._estate_of(question.region))
        found = next((one for one in self._made[place] if question.operation in one.operations), None)
        return found.answer(question, now) if found else None
