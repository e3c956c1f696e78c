"""What the instances of an execution are, learned for its budget: as DRS recommends, then as EC2 says."""

from collections.abc import Mapping

from drskit.edit import changed, with_each_wave, with_servers
from drskit.launches import LAUNCHED
from drskit.model import Execution, ServerRun, SourceServer
from drskit.money import Size

GIB = 2**30


def size_of(server: SourceServer) -> Size:
    """What a launch of the server is taken to be: as DRS recommends, with disks as large as its own."""
    windows = "windows" in server.operating_system.lower()
    return Size(instance_type=server.recommended_type, gib=-(-server.disk_bytes // GIB), windows=windows)


def unsized(execution: Execution) -> list[str]:
    """The source servers of which nobody has asked yet what they would be launched as."""
    return [one.source_server_id for one in _servers(execution) if one.size is None] if execution.budget else []


def unseen(execution: Execution) -> dict[str, str]:
    """The launched instances whose type nobody has seen, with their source servers."""
    if not execution.budget:
        return {}
    return {
        one.recovery_instance_id: one.source_server_id
        for one in _servers(execution)
        if one.recovery_instance_id and one.status in LAUNCHED and one.size is not None and not one.size.seen
    }


def learn_sizes(execution: Execution, sizes: Mapping[str, Size]) -> Execution:
    """The execution with these sizes; of a launched instance only the type is new."""
    if not sizes:
        return execution

    def learned(server: ServerRun) -> ServerRun:
        size = sizes.get(server.source_server_id)
        if size is None:
            return server
        if size.seen and server.size is not None:
            size = server.size.model_copy(update={"instance_type": size.instance_type, "seen": True})
        return changed(server, size=size)

    return with_each_wave(execution, lambda wave: with_servers(wave, learned))


def _servers(execution: Execution) -> list[ServerRun]:
    return [server for wave in execution.waves for server in wave.servers]
