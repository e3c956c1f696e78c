"""A plan as a notebook edits it: a draft beside its file, the tables and what past drills of it took."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from drskit.draft import PlanDraft, draft_of
from drskit.errors import ChangedMeanwhile, DrskitError, InvalidInput, InvalidRunbook, MissingTables, Refused
from drskit.model import ExecutionHeader, Mode
from drskit.notebook import Told, checked, enter, mapped, person_is_there
from drskit.resources import default_world, find_file, find_world
from drskit.runbook import load_runbook
from drskit.runbookfile import Saved, near, place_of, read_if_any, save_runbook
from drskit.session import Session
from drskit.views.board import render_mode, text_of
from drskit.views.dag import LOOKED_AT, Picture, WaveTimes, picture_html, picture_lines, wave_times
from drskit.views.notices import alert, text_html
from drskit.yamlfile import Location, YamlFault, read_text

PIECE = re.compile(r"\.?([^.\[\]]+)|\[([^\[\]]+)\]")
"""A key, or a number or a wave's name in brackets."""


class PlannerParameters(BaseModel):
    """The parameters of `02-plan-a-recovery`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    runbook: str = "runbooks/shop.yaml"
    simulate: bool = True
    world: str = ""
    changes: Annotated[dict[str, str], BeforeValidator(mapped)] = Field(default_factory=dict)
    save: bool = False
    apply: bool = False


def open_planner(**parameters: object) -> "Planner":
    """Open a plan to be edited: check the parameters, read the runbook, find the world.

    Raises:
        InvalidInput: a parameter is unknown or not valid.
        InvalidRunbook: the file is no runbook; one that is merely at fault can be edited.
    """
    wanted = checked(PlannerParameters, parameters)
    if wanted.world and not wanted.simulate:
        raise InvalidInput("world is for simulated plans. Leave it out, or set simulate = True.")
    found = find_file(wanted.runbook)
    path = place_of(wanted.runbook, found, Path.cwd())
    text = read_if_any(found)
    assert text is not None
    draft = draft_of(text, source=near(path))
    world = None
    if wanted.simulate:
        world = find_world(wanted.world) if wanted.world else default_world(found, draft.plan_id)
    return Planner(enter(world), wanted, path, draft)


@dataclass(frozen=True)
class Comparison:
    """How a saved runbook differs from what is applied."""

    path: Path
    text: str
    changes: tuple[str, ...]


class Planner:
    """One plan under edit, its file and its tables."""

    def __init__(self, session: Session, parameters: PlannerParameters, path: Path, draft: PlanDraft) -> None:
        self.session = session
        self.parameters = parameters
        self.path = path
        self.draft = draft
        self.expected = read_if_any(path)
        """What the file said when it was read or saved; None when there is none yet."""
        self._times: dict[str, WaveTimes] = {}
        self._error: DrskitError | None = None
        if parameters.simulate:
            session.require_simulated(self.region)
            session.create_tables()
        self._changed_by_parameters()

    @property
    def region(self) -> str:
        """Where DRS acts, as the draft says; else the session's own."""
        sites = self.draft.data.get("sites")
        for site in sites.values() if isinstance(sites, dict) else ():
            region = site.get("region") if isinstance(site, dict) else None
            if isinstance(region, str):
                return region
        return self.session.settings.region or self.session.clients.region or ""

    def is_live(self) -> bool:
        """Whether a person's front end is attached."""
        return person_is_there(self.session.settings.ui)

    @property
    def mode(self) -> Mode:
        """Who answers: AWS or the simulator."""
        recovery = self.session.recovery(self.region)
        if recovery.simulated is None:
            recovery.probe()
        return Mode.SIMULATED if recovery.simulated else Mode.REAL

    def _changed_by_parameters(self) -> None:
        for place, value in self.parameters.changes.items():
            try:
                wanted = read_text(f"value: {value}" if value.strip() else "value:", source=place).data
            except YamlFault as fault:
                raise InvalidInput(f"changes: {place} = {value!r}: {str(fault).partition(': ')[2]}") from fault
            if not isinstance(wanted, dict) or set(wanted) != {"value"}:
                raise InvalidInput(f"changes: {place} = {value!r} is more than one value. Write lists as [a, b].")
            self.draft = self.draft.with_value(location_of(place, self.draft), wanted["value"])

    # --- past drills -------------------------------------------------------------------------------------------------

    def look_back(self) -> None:
        """Read from the tables how long past drills of the plan took; without tables there are none."""
        try:
            headers, _ = self.session.executions(self.draft.plan_id)
        except MissingTables:
            headers = ()
        self._times = wave_times([self._whole(header) for header in headers[:LOOKED_AT]])

    def _whole(self, header: ExecutionHeader) -> ExecutionHeader:
        """A header with all its waves; a long plan's leaves some out."""
        if not header.waves_left_out:
            return header
        from drskit.store.codec import header_of

        return header_of(self.session.store.load(header.execution_id))

    def picture(self, draft: PlanDraft | None = None) -> Picture:
        """The waves laid out, with their times."""
        return Picture(draft or self.draft, self._times)

    # --- the file ----------------------------------------------------------------------------------------------------

    @property
    def saved(self) -> bool:
        """Whether the file says what the draft says, as far as this notebook knows."""
        return self.expected == self.draft.text

    def save(self, *, overwrite: bool = False) -> Saved:
        """Write the draft into its file.

        Raises:
            InvalidRunbook: the draft has complaints; nothing is written.
            ChangedMeanwhile: somebody else changed the file; nothing is written, unless it is to be overwritten.
        """
        saved = save_runbook(self.path, self.draft.text, expected=self.expected, overwrite=overwrite)
        self.expected = self.draft.text
        return saved

    def their_text(self) -> str:
        """What the file says now; empty when there is none."""
        return read_if_any(self.path) or ""

    def load(self) -> None:
        """Read the file again, and give up what was not saved.

        Raises:
            InvalidRunbook: it is no runbook; the draft stays.
        """
        text = read_if_any(self.path)
        if text is None:
            raise Refused(f"{self.path} does not exist. Save the draft first.")
        self.draft = self.draft.typed(text)
        self.expected = text

    # --- the tables --------------------------------------------------------------------------------------------------

    def compare(self) -> Comparison:
        """How the saved runbook differs from what the tables hold.

        Raises:
            Refused: the draft is not saved: the tables get what the file says.
            ChangedMeanwhile: somebody else changed the file.
            InvalidRunbook: it is not valid, or its groups do not fit the servers that DRS has.
        """
        if not self.saved:
            raise Refused(f"The draft is not saved, and the tables get what {near(self.path)} says. Save it first.")
        if read_if_any(self.path) != self.expected:
            raise ChangedMeanwhile(f"{self.path} was changed by somebody else since it was saved. Load it again.")
        return Comparison(self.path, self.draft.text, self.session.changes(load_runbook(self.path)))

    def apply(self, seen: Comparison) -> str:
        """Write to the tables what was compared, when that is still the difference; what was done.

        Raises:
            Refused: the difference is another one by now; look at it again.
            LostRace: somebody applied the plan at this moment.
        """
        now = self.compare()
        if now != seen:
            raise Refused("The difference to the tables is not the one that was shown any more. Compare again.")
        applied = self.session.apply(load_runbook(self.path))
        if not applied.changes:
            return f"Plan {applied.plan_id} was applied already, as version {applied.version}."
        return f"Applied {near(self.path)}: plan {applied.plan_id} is version {applied.version}."

    # --- what a notebook calls ---------------------------------------------------------------------------------------

    def show(self) -> object:
        """The plan: with a form beside its text where a person is, else its text and what is wrong with it."""
        from drskit.views.plan_panel import PlanPanel

        if self.is_live():
            return PlanPanel(self).shown()
        return self._told(self._text)

    def draw(self) -> Told:
        """The waves as a picture, with the times that past drills took."""
        return self._told(self._drawn)

    def store(self) -> Told:
        """Save the runbook, if the parameters ask for it."""
        if not self.parameters.save:
            here = "The file says the same." if self.saved else self._unsaved()
            return Told(f"Not asked to save: press Save above, or set save = True. {here}")
        return self._told(lambda: Told(str(self.save())))

    def differ(self) -> Told:
        """The difference to the tables; applied if the parameters ask for it."""
        return self._told(self._differed)

    def judge(self) -> None:
        """Raise what went wrong, in the last cell.

        Raises:
            DrskitError: a cell above could not do what it was asked.
            InvalidRunbook: the draft has complaints.
        """
        if self._error is not None:
            raise self._error
        if self.draft.complaints:
            raise InvalidRunbook(self.draft.complaints)

    def _unsaved(self) -> str:
        """What there is instead of the draft."""
        if read_if_any(self.path) is None:
            return f"There is no {near(self.path)} here yet."
        return f"{near(self.path)} is as it was."

    def _told(self, work: Callable[[], Told]) -> Told:
        try:
            return work()
        except DrskitError as error:  # the last cell raises, no other
            self._error = self._error or error
            return Told(str(error), error=error)

    def _text(self) -> Told:
        draft = self.draft
        words = f"{draft.source} is valid: plan {draft.plan_id}." if not draft.complaints else ""
        verdict = f"<p>✔ {text_of(words)}</p>" if words else "".join(map(alert, draft.complaints))
        return Told(
            "\n".join([str(self.mode), words, *draft.complaints, draft.text]),
            f"{render_mode(self.mode)}{verdict}{text_html(draft.text)}",
        )

    def _drawn(self) -> Told:
        self.look_back()
        picture = self.picture()
        return Told("\n".join(picture_lines(picture)), picture_html(picture))

    def _differed(self) -> Told:
        if not self.saved:
            return Told(f"The draft is not saved; the tables get what the saved file says. {self._unsaved()}")
        found = self.compare()
        lines = found.changes or ("nothing: the tables hold what the file says",)
        told = (
            self.apply(found)
            if self.parameters.apply
            else "Not asked to apply: press Apply above, or set apply = True."
        )
        shown = "".join(f"<li>{text_of(line)}</li>" for line in lines)
        html = f"<p>An apply changes:</p><ul>{shown}</ul><p><b>{text_of(told)}</b></p>"
        return Told("\n".join([*lines, told]), html)


def location_of(place: str, draft: PlanDraft) -> Location:
    """A location as complaints spell it, `waves[1].timeout`; a wave may be named, `waves[Web].timeout`.

    Raises:
        InvalidInput: it cannot be read, or there is no such wave.
    """
    pieces = PIECE.findall(place)
    if not pieces or "".join(f"[{index}]" if index else f".{key}" for key, index in pieces).lstrip(".") != place:
        raise InvalidInput(f"changes: {place!r} names no place in a runbook. Write for example waves[Web].timeout.")
    return tuple(_index(index, place, draft) if index else key for key, index in pieces)


def _index(word: str, place: str, draft: PlanDraft) -> int:
    names = [draft.wave_name(index) for index in range(len(draft.waves))]
    if word.isdecimal() and int(word) < len(names):
        return int(word)
    if word in names:
        return names.index(word)
    raise InvalidInput(f"changes: {place!r}: there is no wave {word!r}. Known: {', '.join(names)}.")
