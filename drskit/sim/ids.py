"""Identifiers and chances, made from a world's seed: the same world always has the same."""

import hashlib
from dataclasses import dataclass

REGION_DIGITS = {"us-east-1": "3", "us-east-2": "4", "us-west-2": "5"}
"""The first hex digit of DRS's identifiers looks Region-coded in captures (drs-facts §3)."""


@dataclass(frozen=True)
class Ids:
    """Names that depend on nothing but the seed and what they are for."""

    seed: int
    region: str
    account: str = "123456789012"

    def named(self, prefix: str, *parts: object) -> str:
        """A DRS identifier: the prefix and 17 hex digits."""
        return f"{prefix}-{REGION_DIGITS.get(self.region, '7')}{self._digest(prefix, *parts)[:16]}"

    def ec2(self, prefix: str, *parts: object) -> str:
        """An EC2 identifier: the prefix, 0, and 16 hex digits."""
        return f"{prefix}-0{self._digest(prefix, *parts)[:16]}"

    def uuid(self, *parts: object) -> str:
        """A UUID."""
        digits = self._digest("uuid", *parts)
        return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-8{digits[17:20]}-{digits[20:32]}"

    def chance(self, *parts: object) -> float:
        """A number from 0 up to 1."""
        return int(self._digest("chance", *parts)[:8], 16) / 2**32

    def between(self, low: float, high: float, *parts: object) -> float:
        """A number between two others, to the microsecond."""
        return round(low + (high - low) * self.chance(*parts), 6)

    def _digest(self, *parts: object) -> str:
        text = "/".join(str(part) for part in (self.seed, self.region, *parts))
        return hashlib.sha256(text.encode()).hexdigest()
