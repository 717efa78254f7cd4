"""FHIR's dates: of any precision, so that each stands for a span of time."""

from __future__ import annotations

import datetime as dt
import re

_FORM = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?)?)?", re.ASCII
)
UTC = dt.UTC


def span_of(text: str) -> tuple[dt.datetime, dt.datetime] | None:
    """The first moment of a date, and the first after it; None for what is no date. Without a zone it is UTC."""
    match = _FORM.fullmatch(text)
    if match is None:
        return None
    year, month, day, hour, minute, second, zone = match.groups()
    try:
        start = dt.datetime(
            int(year), int(month or 1), int(day or 1), int(hour or 0), int(minute or 0), int(second or 0), tzinfo=UTC
        )
        if zone and zone != "Z":
            shift = dt.timedelta(hours=int(zone[1:3]), minutes=int(zone[4:]))
            start -= shift if zone[0] == "+" else -shift
        if month is None:
            return start, start.replace(year=start.year + 1)
        if day is None:
            return start, (start + dt.timedelta(days=32)).replace(day=1)
        length = (
            dt.timedelta(days=1)
            if hour is None
            else dt.timedelta(minutes=1)
            if second is None
            else dt.timedelta(seconds=1)
        )
        return start, start + length
    except (ValueError, OverflowError):
        return None


def stamp(moment: dt.datetime) -> str:
    """As the hospital writes a moment."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S+00:00")


def moment_of(text: str) -> dt.datetime:
    """The first moment of a date. Raises ValueError for what is none."""
    span = span_of(text)
    if span is None:
        raise ValueError(f"{text!r} is no date such as 2026-03-02 or 2026-03-02T08:30:00+00:00")
    return span[0]
