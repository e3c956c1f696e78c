"""Which requests are DRS's."""

from drskit.sim.backend.responses import respond

url_bases = [r"https?://drs(-fips)?\.(.+)\.(amazonaws\.com|api\.aws)"]

url_paths = {"{0}/.*$": respond, "{0}$": respond}
