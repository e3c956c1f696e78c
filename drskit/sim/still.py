"""A world as it stands, in bytes: everything of its door, moto's tables among it.

What belongs to the process stays outside and is put in anew: the door itself,
clocks, locks, and moto's own tables. Reading makes nothing but what worlds are
made of: plain values, and objects of moto's and of the simulator's classes.
Such bytes are of one version of both, and of Python; whoever keeps them keeps
`MADE_BY` beside them.
"""

import io
import pickle
import sys
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum
from functools import cache
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any, cast

import moto
from moto.backends import get_backend
from moto.core.base_backend import BackendDict
from moto.core.model_instances import model_data

from drskit import __version__
from drskit.errors import InvalidState

LOCK, REENTRANT = type(threading.Lock()), type(threading.RLock())
CLOCKS = ("drskit.clock", "drskit.sim.keeping")
"""Where clocks are from."""
OURS = ("moto.", "drskit.sim.")
# fmt: off
PLAIN = {
    "_codecs": {"encode"},
    "builtins": {
        "bool", "bytearray", "bytes", "complex", "dict", "float", "frozenset", "int", "list", "object", "range", "set",
        "slice", "str", "tuple",
    },
    "collections": {"Counter", "OrderedDict", "defaultdict", "deque"},
    "copyreg": {"_reconstructor", "__newobj__"},
    "datetime": {"date", "datetime", "time", "timedelta", "timezone"},
    "decimal": {"Decimal"},
    "functools": {"partial"},
    "ipaddress": {"IPv4Address", "IPv4Network", "IPv6Address", "IPv6Network"},
    "pydantic_core._pydantic_core": {"TzInfo"},
    "re": {"_compile"},
    "urllib.parse": {"ParseResult", "SplitResult"},
    "uuid": {"SafeUUID", "UUID"},
}
# fmt: on
"""What else is made: values that do nothing."""


class Unwritable(Exception):
    """Something in a world that cannot be put into bytes."""


def made_by() -> str:
    """What can read such bytes: this code, this moto, this Python."""
    return (
        f"drskit {__version__}-{_code()}, moto {moto.__version__}, Python {sys.version_info[0]}.{sys.version_info[1]}"
    )


@cache
def _code() -> str:
    """A digest of the simulator's code: its version may stay while it changes."""
    found = sha256()
    for path in sorted(Path(__file__).parent.rglob("*.py")):
        found.update(path.read_bytes())
    return found.hexdigest()[:8]


def write(state: dict[str, Any], *, door: object) -> bytes:
    """These parts of a door, read once to be sure that they can be.

    Raises:
        Unwritable: moto holds something that cannot be written.
    """
    made = io.BytesIO()
    try:
        _Writer(made, door).dump(state)
        written = zlib.compress(made.getvalue(), level=1)
        with _nobody_tracks():
            read(written, door=door)
    except (pickle.PicklingError, InvalidState, TypeError, AttributeError, ValueError, RecursionError) as error:
        raise Unwritable(str(error)) from error
    return written


def read(written: bytes, *, door: object) -> dict[str, Any]:
    """The parts of a door, for this one.

    Raises:
        InvalidState: the bytes hold anything that no world holds.
    """
    try:
        return cast("dict[str, Any]", _Reader(io.BytesIO(zlib.decompress(written)), door).load())
    except (zlib.error, pickle.UnpicklingError, AttributeError, ImportError, TypeError, ValueError) as error:
        raise InvalidState(f"what it says of the world cannot be read: {error}") from error


@contextmanager
def _nobody_tracks() -> Iterator[None]:
    """Let moto not remember the models that are made inside: nobody goes on with them."""
    tracked = [getattr(model, "instances_tracked", []) for models in model_data.values() for model in models.values()]
    before = [len(models) for models in tracked]
    try:
        yield
    finally:
        for models, length in zip(tracked, before, strict=True):
            del models[length:]


class _Writer(pickle.Pickler):
    """Leaves out what belongs to the process."""

    def __init__(self, file: io.BytesIO, door: object) -> None:
        super().__init__(file, protocol=5)
        self._door = door

    def persistent_id(self, one: Any) -> str | None:
        """What is put in anew when this is read."""
        if one is self._door:
            return "door"
        if isinstance(one, BackendDict):
            return f"tables {one.service_name}"
        kind = type(one)
        return "clock" if kind.__module__ in CLOCKS and hasattr(kind, "sleep") else None

    def reducer_override(self, one: Any) -> Any:
        """How to make again what cannot be written by itself."""
        made: Any = NotImplemented
        if isinstance(one, LOCK | REENTRANT):
            made = _lock, (isinstance(one, REENTRANT),)
        elif isinstance(one, Enum):  # which the first Pythons 3.11 would make by getattr
            made = type(one), (one._value_,)
        elif isinstance(one, ModuleType) and one.__name__.startswith(OURS):
            made = _module, (one.__name__,)
        elif isinstance(one, MethodType):
            made = _method, (one.__self__, one.__name__)
        elif isinstance(one, FunctionType) and "<" in one.__qualname__:
            if one.__closure__ or one.__defaults__ or not one.__module__.startswith(OURS):
                raise Unwritable(f"{one.__module__}.{one.__qualname__}")
            made = _nested, (one.__module__, one.__qualname__, one.__code__.co_firstlineno)
        elif isinstance(one, dict) and type(one).__module__.startswith(OURS):
            factory = getattr(one, "default_factory", None)
            made = _table, (type(one), factory), vars(one), None, iter(list(one.items()))
        return made


class _Reader(pickle.Unpickler):
    """Makes nothing that no world is made of."""

    def __init__(self, file: io.BytesIO, door: object) -> None:
        super().__init__(file)
        self._door = door

    def persistent_load(self, name: str) -> Any:
        """What belongs to this process."""
        if name == "door":
            return self._door
        if name == "clock":
            return getattr(self._door, "clock")  # noqa: B009 - a door has one
        return get_backend(cast("Any", name.removeprefix("tables ")))

    def find_class(self, module: str, name: str) -> Any:
        """A class of worlds, a function of the simulator's, or one of the helpers below."""
        ours = module.startswith(OURS)
        found = super().find_class(module, name) if ours or name in PLAIN.get(module, ()) else None
        if ours and getattr(found, "__module__", "") != module:
            found = None  # what is only imported there
        if found is None or not (isinstance(found, type) or module.startswith("drskit.") or module in PLAIN):
            raise pickle.UnpicklingError(f"{module}.{name} is nothing that a world is made of")
        return found


def _lock(reentrant: bool) -> Any:
    return threading.RLock() if reentrant else threading.Lock()


def _module(name: str) -> ModuleType:
    if not name.startswith(OURS):
        raise pickle.UnpicklingError(f"{name} is nothing that a world is made of")
    return import_module(name)


def _method(owner: Any, name: str) -> Any:
    if name.startswith("__"):
        raise pickle.UnpicklingError(f"{name} is nothing that a world calls")
    return getattr(owner, name)


def _table(kind: type[dict[Any, Any]], factory: Callable[[], Any] | None) -> dict[Any, Any]:
    """An empty dictionary of moto's, whatever its constructor wants."""
    made = kind.__new__(kind)
    if factory is not None:
        setattr(made, "default_factory", factory)  # noqa: B010 - a defaultdict has one
    return made


def _nested(module: str, qualname: str, line: int) -> FunctionType:
    """A function within a function, which closes over nothing."""
    inside = _module(module)
    outer, _, _ = qualname.partition(".<locals>")
    found: Any = inside
    for part in outer.split("."):
        found = getattr(found, part)
    waiting: list[CodeType] = [found.__code__]
    while waiting:
        code = waiting.pop()
        if code.co_qualname == qualname and code.co_firstlineno == line:
            return FunctionType(code, vars(inside))
        waiting += [one for one in code.co_consts if isinstance(one, CodeType)]
    raise pickle.UnpicklingError(f"{module}.{qualname} is not there any more")
