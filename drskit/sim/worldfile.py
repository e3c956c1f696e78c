"""World files: YAML or JSON in, worlds out, and back.

Every fault is reported at once, each with the file, the line, the key, the
value and what to write instead. `schema` is the same contract for editors.
"""

import ast
import inspect
import json
import re
import textwrap
from collections.abc import Mapping
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from drskit.errors import InvalidInput, InvalidWorld
from drskit.nesting import models_in, models_of
from drskit.sim.generate import WorldFile, members
from drskit.sim.spec import Fault, WorldSpec
from drskit.yamlfile import Document, Location, read_text, text_of

MAX_BYTES = 50_000_000
"""A snapshot of 4,000 servers takes a tenth of it."""
PAIR = re.compile(r"(?<!\\)((?:\\\\)*)\\u(d[89ab]..)\\u(d[c-f]..)", re.IGNORECASE)
"""A character beyond the first 65,536 as JSON writes it, which YAML does not know."""
EXAMPLES = {
    "id": "an id such as s-5f3ddf07c0eb9fe45 (a server) or i-0b3407219a2297268 (an instance)",
    "server": "the id of a source server, such as s-5f3ddf07c0eb9fe45",
    "account": 'twelve digits in quotes, such as "123456789012"',
    "region": "an AWS Region such as us-west-2",
    "start": "a time with its zone, such as 2026-03-02T09:00:00Z",
    "generate": "a list of groups, such as - {count: 40, names: 'web-{number:02d}'}",
}
"""What to write, by key."""
YAMLS = {re.compile(r"valid (tuple|list)"): "list", re.compile(r"valid dictionary( or .*)?$"): "mapping"}
"""What pydantic calls the kinds of YAML."""
PROBES = "drskit-probe"
"""The simulator's own service, by which a simulated drill tries ports and URLs."""
MADE = ("ServerSpec", "ExistingInstance")
"""What gets an id from the seed where none is written."""
TIMES = frozenset({"from", "until", "since", "added", "launched", "last_seen", "start"})


def load_world(path: Path) -> WorldSpec:
    """The world of a file.

    Raises:
        InvalidWorld: the file cannot be read, or is at fault.
    """
    try:
        text = text_of(path, limit=MAX_BYTES)
    except InvalidInput as error:
        raise InvalidWorld(str(error)) from error
    return parse_world(text, name=str(path))


def parse_world(text: str, *, name: str = "world") -> WorldSpec:
    """A world from YAML (or JSON); `name` is its name in complaints.

    Raises:
        InvalidWorld: with every complaint about it.
    """
    try:
        document = read_text(_yaml(text), source=name, limit=MAX_BYTES)
    except InvalidInput as error:
        raise InvalidWorld(str(error)) from error
    return _understand(document)


def read_world(told: Mapping[str, Any], *, name: str = "world") -> WorldSpec:
    """A world from data that was read already.

    Raises:
        InvalidWorld: with every complaint about it.
    """
    return _understand(Document(name, dict(told), {}))


def dump_world(spec: WorldSpec) -> str:
    """The world as YAML; `parse_world` gives it back."""
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    options: dict[str, Any] = {"sort_keys": False, "width": 120, "allow_unicode": True, "default_flow_style": None}
    return str(yaml.dump(_data(spec), Dumper=dumper, **options))


def dump_json(spec: WorldSpec) -> str:
    """The world as JSON; `parse_world` gives it back."""
    return json.dumps(_data(spec), indent=1, ensure_ascii=False) + "\n"


def _data(spec: WorldSpec) -> dict[str, Any]:
    told = {"about": spec.about, "account": spec.account, "region": spec.region}
    data = told | spec.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    for place, server in enumerate(data.get("servers", ())):
        first = {name: server[name] for name in ("id", "name", "tags") if name in server}
        data["servers"][place] = first | server
    return data


def schema() -> dict[str, Any]:
    """The JSON Schema of a world file, with what each key means."""
    found = WorldFile.model_json_schema(by_alias=True)
    found["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    found["title"] = "A world of drskit's simulator"
    for name in MADE:
        found["$defs"][name]["required"].remove("id")
    explained = {model.__name__: model for model in models_of(WorldFile)}
    for name, part in [("WorldFile", found), *found.get("$defs", {}).items()]:
        if name in explained:
            _explain(part, explained[name])
    return found


def _yaml(text: str) -> str:
    """JSON as YAML takes it: no tabs before a line, no characters in two halves."""
    if not text.lstrip().startswith("{"):
        return text
    flat = re.sub(r"^\t+", lambda tabs: "  " * len(tabs[0]), text, flags=re.MULTILINE)
    return PAIR.sub(lambda pair: pair[1] + _whole(pair[2], pair[3]), flat)


def _whole(high: str, low: str) -> str:
    return (bytes.fromhex(high) + bytes.fromhex(low)).decode("utf-16-be")


def _understand(document: Document) -> WorldSpec:
    if not isinstance(document.data, dict):
        message = "a world is a mapping that begins with `start: 2026-03-02T09:00:00Z`."
        raise InvalidWorld(document.complaint((), message))
    try:
        written = WorldFile.model_validate(document.data)
    except ValidationError as error:
        raise InvalidWorld("\n".join(_complaints(document, error))) from error
    complaints = [document.complaint(location, message) for location, message in contradictions(written)]
    if complaints:
        raise InvalidWorld("\n".join(complaints))
    return written.world()


# --- complaints ------------------------------------------------------------------------------------------------------


def _complaints(document: Document, error: ValidationError) -> list[str]:
    found: dict[tuple[int, str], None] = {}
    for fault in error.errors(include_url=False):
        location = _location(document, fault["loc"])
        value = fault["input"] if location or fault["type"] != "value_error" else None
        text = document.complaint(location, _words(fault["type"], fault["msg"], value, location))
        found.setdefault((document.line(location), text))
    for location, message in _idle_faults(document.data):
        found.setdefault((document.line(location), document.complaint(location, message)))
    return [text for _, text in sorted(found)]


def _location(document: Document, raw: tuple[int | str, ...]) -> Location:
    """Where it stands in the file; pydantic's names of alternatives do not."""
    return document.located(tuple(part for part in raw if not (isinstance(part, str) and part.startswith("<"))))


def _words(kind: str, message: str, value: object, location: Location) -> str:
    key = next((str(part) for part in reversed(location) if isinstance(part, str)), "")
    if kind == "missing":
        return f"the key is missing; write {EXAMPLES[key]}." if key in EXAMPLES else "the key is missing; add it."
    if kind == "extra_forbidden":
        near = get_close_matches(key, sorted(_keys(location)), n=1)
        meant = f"did you mean {near[0]}? " if near else ""
        return f"the key is unknown; {meant}`drskit sim validate --schema` prints every key. Correct or remove it."
    shown = f"{value!r:.80}: " if isinstance(value, str) else ""
    if key in TIMES:
        return f"{shown}write {EXAMPLES['start']}."
    if kind == "string_pattern_mismatch" and key in EXAMPLES:
        return f"{shown}write {EXAMPLES[key]}."
    said = message.removeprefix("Value error, ")
    for theirs, ours in YAMLS.items():
        said = theirs.sub(ours, said)
    remedy = "" if "write" in said else " Correct the value."
    return f"{shown}{said[:1].lower()}{said[1:]}.{remedy}"


def contradictions(written: WorldFile) -> list[tuple[Location, str]]:
    """What is valid part by part, and makes no sense as a whole."""
    found = _twice(written)
    made = {server.id for server in written.servers}
    for place, group in enumerate(written.generate):
        own = {server.id: server.name for server in members(group, written.ids)}
        if again := sorted(made & set(own)):
            message = f"{own[again[0]]} has the id {again[0]}, which another server has, too. Choose other names."
            found.append((("generate", place, "names"), message))
        made |= set(own)
    for place, job in enumerate(written.jobs):
        if job.created is not None and job.created > written.start:
            message = "the job must have begun when the world starts. Write an earlier time, or a later start."
            found.append((("jobs", place, "created"), message))
        for server_id in sorted(set(job.outcomes) - made):
            message = f"{server_id} is no server of this world. Add it to servers, or remove the job."
            found.append((("jobs", place, "outcomes", server_id), message))
    for place, fault in enumerate(written.faults):
        found += [(("faults", place, key), message) for key, message in fault_faults(fault)]
        if fault.server and fault.server not in made:
            message = f"{fault.server} is no server of this world. Correct the id, or remove the key."
            found.append((("faults", place, "server"), message))
    return found


def _idle_faults(data: object) -> list[tuple[Location, str]]:
    """The faults of a world that are well written and could never strike, whatever else is wrong with it."""
    found: list[tuple[Location, str]] = []
    told = data.get("faults") if isinstance(data, dict) else None
    for place, one in enumerate(told if isinstance(told, list) else ()):
        try:
            fault = Fault.model_validate(one)
        except ValidationError:
            continue  # its own complaints are there already
        found += [(("faults", place, key), message) for key, message in fault_faults(fault)]
    return found


def _twice(written: WorldFile) -> list[tuple[Location, str]]:
    """Ids that stand in the file twice: the later one is at fault."""
    places: list[tuple[Location, str]] = []
    for place, server in enumerate(written.servers):
        places.append((("servers", place, "id"), server.id))
        places += [(("servers", place, "instances", at, "id"), one.id) for at, one in enumerate(server.instances)]
    places += [(("jobs", place, "id"), job.id) for place, job in enumerate(written.jobs)]
    seen: set[str] = set()
    found: list[tuple[Location, str]] = []
    for location, name in places:
        if name in seen:
            found.append((location, f"{name} stands in the world twice. Choose another id."))
        seen.add(name)
    return found


def read_fault(told: object) -> Fault:
    """A fault of calls from data.

    Raises:
        InvalidWorld: it is none, or could never strike.
    """
    try:
        fault = Fault.model_validate(told)
    except ValidationError as error:
        wrong = [(".".join(str(part) for part in one["loc"]), one["msg"]) for one in error.errors(include_url=False)]
    else:
        wrong = fault_faults(fault)
        if not wrong:
            return fault
    raise InvalidWorld("; ".join(f"{key or 'the fault'}: {message}" for key, message in wrong))


def fault_faults(fault: Fault) -> list[tuple[str, str]]:
    """Why a fault could never strike: its service or operation is none; the key, and what to write."""
    operations = _operations(fault.service)
    if operations is None:
        return [("service", f"{fault.service!r} is no service. Write drs, dynamodb, ec2 or another signing name.")]
    if fault.operation in {"*", *operations}:
        return []
    near = get_close_matches(fault.operation, operations, n=1)
    meant = f"Did you mean {near[0]}?" if near else "Write it as the API spells it, such as DescribeJobs, or *."
    return [("operation", f"{fault.service} has no operation {fault.operation!r}. {meant}")]


@cache
def _operations(service: str) -> tuple[str, ...] | None:
    """The operations of a service by botocore's description; None where there is no such service."""
    if service == PROBES:
        return ("Probe",)
    from botocore.exceptions import UnknownServiceError
    from botocore.loaders import Loader

    try:
        return tuple(Loader().load_service_model(service, "service-2")["operations"])
    except UnknownServiceError:
        return None


# --- what the keys mean ----------------------------------------------------------------------------------------------


def _keys(location: Location) -> frozenset[str]:
    """Every key that a world file may have where this one stands."""
    models: list[type[BaseModel]] = [WorldFile]
    for step in location[:-1]:
        named = [field for model in models for name, field in model.model_fields.items() if step in {name, field.alias}]
        if named:
            models = [part for field in named for part in models_in(field.annotation, *field.metadata)]
    return frozenset(field.alias or name for model in models for name, field in model.model_fields.items())


def _explain(part: dict[str, Any], model: type[BaseModel]) -> None:
    texts = {name: text for kind in reversed(model.__mro__) for name, text in meanings(kind).items()}
    for name, field in model.model_fields.items():
        if name in texts and (written := part.get("properties", {}).get(field.alias or name)):
            written.setdefault("description", texts[name])


@cache
def meanings(kind: type) -> dict[str, str]:
    """What the docstrings below a class's fields say of them, by name."""
    if not issubclass(kind, BaseModel) or kind.__module__.partition(".")[0] != "drskit":
        return {}
    (tree,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    assert isinstance(tree, ast.ClassDef)
    found = {}
    for field, text in zip(tree.body, tree.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant):
            found[ast.unparse(field.target)] = str(text.value.value)
    return found
