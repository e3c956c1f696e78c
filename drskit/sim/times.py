"""How DRS writes times and spans (drs-facts §2)."""

from datetime import UTC, datetime, timedelta


def timestamp(at: datetime, style: str = "offset") -> str:
    """`2022-12-07T19:15:38.846723+00:00`, always with microseconds; or with a Z."""
    text = at.astimezone(UTC).isoformat(timespec="microseconds")
    return text if style == "offset" else text.replace("+00:00", "Z")


def iso_span(length: timedelta) -> str:
    """`P0D`, `P2DT1H32M12.136909S`."""
    days, rest = length.days, length - timedelta(days=length.days)
    hours, rest = divmod(rest, timedelta(hours=1))
    minutes, rest = divmod(rest, timedelta(minutes=1))
    seconds = f"{rest.total_seconds():.6f}".rstrip("0").rstrip(".")
    clock = "".join(
        f"{value}{unit}" for value, unit in ((hours, "H"), (minutes, "M"), (seconds, "S")) if value not in (0, "0")
    )
    date = f"{days}D" if days or not clock else ""
    return f"P{date}" + (f"T{clock}" if clock else "")
