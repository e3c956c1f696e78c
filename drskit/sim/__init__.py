"""A simulator of AWS DRS on moto, reached through boto3 only.

`world.py` holds the rules, pure; `spec.py` what a world file may say;
`gateway.py` is the one door, which `opening.py` opens to this process and
`server.py` to all others; `testing.py` is for the tests of other projects.
moto is imported only once a world is opened.
"""

from drskit.sim.opening import simulated
from drskit.sim.server import WorldServer, serve
from drskit.sim.spec import WorldSpec
from drskit.sim.worldfile import load_world, parse_world

__all__ = ["WorldServer", "WorldSpec", "load_world", "parse_world", "serve", "simulated"]
