"""How moto learns of DRS.

moto finds a service's code by the name `moto.<service>`, and its requests by a
list of address patterns. There is no door for outsiders, so we write to both.
"""

import re
import sys

from moto import backend_index

from drskit.sim.backend import models, urls


def register() -> None:
    """Teach moto that DRS exists; the only two touches of moto's own tables. Repeating it does nothing."""
    if "moto.drs" not in sys.modules:
        sys.modules["moto.drs"] = models
        backend_index.backend_url_patterns.insert(0, ("drs", re.compile(urls.url_bases[0])))
