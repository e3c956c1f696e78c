"""What of a web request may stand in a runbook: no secret, and nothing that cannot be sent.

What holds a secret is known by its name alone, as far as names tell.
"""

import re
from urllib.parse import parse_qsl, urlsplit

SECRET_NAME = re.compile(
    r"authorization|cookie|token|secret|passw|pwd|api[-_]?key|access[-_]?key|credential|signature", re.IGNORECASE
)
"""A header or a member of a query that holds a secret, as far as its name tells."""
SECRET_QUERY = re.compile(r"sig|code|jwt|sas", re.IGNORECASE)
"""What a member of a query is called, too, that holds one."""
HARMLESS = re.compile(r"(\{[a-z_]+\})*|on|off|yes|no|true|false|[0-9]{1,4}", re.IGNORECASE)
"""A value that is no secret, whatever its name: placeholders, a yes or no, a small number."""
HEADER_VALUE = re.compile(r"[\t\x20-\x7e\xa0-\xff]*")
"""What fits into a header: Latin-1 without control characters."""


def secret_asked(url: str) -> str | None:
    """The first member of a URL's query that holds a secret by its name, and a value that may be one."""
    members = parse_qsl(urlsplit(url).query)
    return next(
        (
            name
            for name, value in members
            if (SECRET_NAME.search(name) or SECRET_QUERY.fullmatch(name)) and not HARMLESS.fullmatch(value)
        ),
        None,
    )
