"""What the tables are called."""

from dataclasses import dataclass

PREFIX = "drs-orchestration"
ENV = "dev"


@dataclass(frozen=True)
class TableNames:
    """The three tables of one environment."""

    groups: str
    plans: str
    history: str

    @classmethod
    def of(cls, prefix: str = PREFIX, env: str = ENV) -> "TableNames":
        """The names for a prefix and an environment."""
        return cls(
            groups=f"{prefix}-protection-groups-{env}",
            plans=f"{prefix}-recovery-plans-{env}",
            history=f"{prefix}-execution-history-{env}",
        )
