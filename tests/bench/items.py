"""The items that the store writes for an execution, kept and weighed instead of sent."""

from collections.abc import Callable, Sequence
from datetime import datetime

from drskit.store.attributes import Item, item_bytes
from drskit.store.commits import Commits
from drskit.store.names import TableNames
from drskit.store.wire import Action, Refusal, Wire


class Kept(Wire):
    """Keeps the whole items of the last write, and the weight of the largest of all."""

    def __init__(self) -> None:
        self.items: list[Item] = []
        self.largest = 0

    def transact(self, actions: Sequence[Action]) -> dict[int, Refusal]:
        """Nothing is refused."""
        self.items = [action.what["Item"] for action in actions if action.kind == "Put"]
        self.largest = max([self.largest, *map(item_bytes, self.items)])
        return {}


class Items(Commits):
    """Makes an execution's items."""

    def __init__(self, wire: Wire, now: Callable[[], datetime]) -> None:
        super().__init__(wire, TableNames.of())
        self._now = now

    def now(self) -> datetime:
        """The time that is asked for when something is refused."""
        return self._now()
