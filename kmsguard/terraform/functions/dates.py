"""Functions of dates and times (RFC 3339). The time of the run is unknown."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

from kmsguard.terraform.functions import Function
from kmsguard.terraform.functions.adapt import FunctionError, impure, pure
from kmsguard.terraform.types import STRING

_TIMESTAMP = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d)")
_DURATION = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)")
_SECONDS = {"ns": "1e-9", "us": "1e-6", "µs": "1e-6", "μs": "1e-6", "ms": "1e-3", "s": "1", "m": "60", "h": "3600"}
_LONGEST = Decimal(1 << 63) / 10**9  # seconds: 64 bits of nanoseconds
_PART = re.compile(r"''|'((?:[^']|'')*)'|Y+|M+|D+|E+|H+|h+|m+|s+|A+|a+|Z+|[^A-Za-z']+|.", re.DOTALL)


def _parse(text: str) -> datetime:
    match = _TIMESTAMP.fullmatch(text)
    if match is None:
        raise FunctionError("this is no RFC 3339 timestamp")
    year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
    fraction = round(float(match[7] or 0) * 1_000_000)
    zone: timezone = UTC
    if match[8] != "Z":
        sign = -1 if match[8][0] == "-" else 1
        zone = timezone(sign * timedelta(hours=int(match[8][1:3]), minutes=int(match[8][4:6])))
    try:
        return datetime(year, month, day, hour, minute, second, fraction, zone)
    except ValueError:
        raise FunctionError("this is no date") from None


def _write(time: datetime) -> str:
    text = time.isoformat(timespec="seconds")  # fractions are left out
    return text.replace("+00:00", "Z")


def _duration(text: str) -> timedelta:
    sign, body = (-1, text[1:]) if text.startswith("-") else (1, text.removeprefix("+"))
    if body == "0":
        return timedelta()
    total, at = Decimal(0), 0
    while at < len(body):
        match = _DURATION.match(body, at)
        if match is None:
            raise FunctionError("this is no duration")
        total += Decimal(match[1]) * Decimal(_SECONDS[match[2]])
        at = match.end()
    if not body or total > _LONGEST:
        raise FunctionError("this is no duration")
    return timedelta(microseconds=int(sign * total * 1_000_000))


def _add(time: str, duration: str) -> str:
    try:
        return _write(_parse(time) + _duration(duration))
    except OverflowError:
        raise FunctionError("this is no date") from None


def _compare(left: str, right: str) -> int:
    a, b = _parse(left), _parse(right)
    return (a > b) - (a < b)


def _format(pattern: str, timestamp: str) -> str:
    time = _parse(timestamp)
    out = []
    for match in _PART.finditer(pattern):
        part = match[0]
        if part == "''":
            out.append("'")
        elif part.startswith("'") and match[1] is not None:
            out.append(match[1].replace("''", "'"))
        elif part[0].isalpha() and part[0].isascii():
            out.append(_field(part, time))
        elif part == "'":
            raise FunctionError("a quote is not closed")
        else:
            out.append(part)
    return "".join(out)


def _field(part: str, time: datetime) -> str:
    offset = time.strftime("%z")
    utc = offset == "+0000"
    fields = {
        "YYYY": f"{time.year:04}",
        "YY": f"{time.year % 100:02}",
        "MMMM": _MONTHS[time.month - 1],
        "MMM": _MONTHS[time.month - 1][:3],
        "MM": f"{time.month:02}",
        "M": str(time.month),
        "DD": f"{time.day:02}",
        "D": str(time.day),
        "EEEE": _DAYS[time.weekday()],
        "EEE": _DAYS[time.weekday()][:3],
        "hh": f"{time.hour:02}",
        "h": str(time.hour),
        "HH": f"{time.hour % 12 or 12:02}",
        "H": str(time.hour % 12 or 12),
        "AA": "PM" if time.hour >= 12 else "AM",
        "aa": "pm" if time.hour >= 12 else "am",
        "mm": f"{time.minute:02}",
        "m": str(time.minute),
        "ss": f"{time.second:02}",
        "s": str(time.second),
        "ZZZZZ": f"{offset[:3]}:{offset[3:]}",
        "ZZZZ": offset,
        "ZZZ": "UTC" if utc else offset,
        "Z": "Z" if utc else f"{offset[:3]}:{offset[3:]}",
    }
    if part not in fields:
        raise FunctionError("this is no part of a date")
    return fields[part]


_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

FUNCTIONS: dict[str, Function] = {
    "formatdate": pure(_format, STRING, STRING),
    "plantimestamp": impure("plantimestamp"),
    "timeadd": pure(_add, STRING, STRING),
    "timecmp": pure(_compare, STRING, STRING),
    "timestamp": impure("timestamp"),
}
