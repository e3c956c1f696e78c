"""What the services that actions ask have received: the proof of what was done, and how often."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class Receipt:
    """A request that was carried out."""

    at: datetime
    service: str
    """ssm, lambda, sns or http."""
    name: str
    """The document, function, topic or address."""
    token: str | None
    """By what the request can be recognised, where it carries something."""
    about: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """As JSON types."""
        return {
            "at": self.at.isoformat(),
            "service": self.service,
            "name": self.name,
            "token": self.token,
            **self.about,
        }


class Received:
    """Everything that was carried out, oldest first."""

    def __init__(self) -> None:
        self.receipts: list[Receipt] = []

    def note(self, at: datetime, service: str, name: str, token: str | None, **about: Any) -> None:
        """One more."""
        self.receipts.append(Receipt(at, service, name, token, about))

    def to_json(self) -> list[dict[str, Any]]:
        """All of them as JSON types."""
        return [receipt.to_json() for receipt in self.receipts]
