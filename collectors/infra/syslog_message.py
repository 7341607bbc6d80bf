"""Reads one syslog message: RFC 5424 strictly, RFC 3164 as loosely as that describes what devices send.

Of the parsers on PyPI none keeps escapes and repeated parameters and refuses values as RFC 5424 wants it, and none is
fast enough, so this is an own one; each rule names its section. Every pattern takes time linear in the message.
"""

import re
from datetime import datetime, timedelta
from typing import Final

from ledger.core.errors import SkippableRecord

Parts = dict[str, object]
FACILITIES: Final = (
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp", "ntp",
    "audit", "alert", "clock", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
)  # fmt: skip
"""RFC 5424 section 6.2.1, by the usual names."""
SEVERITIES: Final = ("emerg", "alert", "crit", "err", "warning", "notice", "info", "debug")
NIL: Final = "-"

_PRI: Final = re.compile(rb"<(0|[1-9][0-9]{0,2})>")
_VERSION: Final = re.compile(rb"[1-9][0-9]{0,2} ")
_HEADER: Final = re.compile(rb"[!-~]+ [!-~]+ [!-~]+ [!-~]+ [!-~]+ ")
_TIMESTAMP: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?(?:Z|[+-][0-9]{2}:[0-9]{2})"
)
_SD_NAME: Final = rb"[!#-<>-\\^-~]{1,32}"
_ELEMENT: Final = re.compile(rb"\[(" + _SD_NAME + rb")")
_PARAMETER: Final = re.compile(rb" (" + _SD_NAME + rb')="((?:[^"\\\]]|\\.)*)"', re.DOTALL)
_ESCAPE: Final = re.compile(r'\\(["\\\]])')
_BSD_TIME: Final = re.compile(rb"([A-Z][a-z]{2}) ([ 0-9][0-9]) ([0-9]{2}:[0-9]{2}:[0-9]{2})(?: ([0-9]{4}))? ")
_ISO_TIME: Final = re.compile(_TIMESTAMP.pattern.encode() + rb" ")
_HOST: Final = re.compile(rb"([!-9;-Z\\^-~][!-Z\\^-~]{0,254}) ")
_TAG: Final = re.compile(rb"([!-9;-Z\\^-~]{1,64})(?:\[([!-Z\\^-~]{1,128})\])?: ?")
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DAY: Final = timedelta(days=1)


def read_message(data: bytes, received: datetime, encoding: str = "utf-8") -> Parts:
    """What a message says: `facility`, `severity`, `format`, `time`, `timestamp`, `hostname`, `app_name`, `procid`,
    `msgid`, `structured_data` and `message`; null where it has none. Raises SkippableRecord for what is no message.

    `timestamp` is the message's own text, `time` the same in ISO 8601: RFC 3164 gives no year, so the one is taken that
    lies nearest to `received`.
    """
    found = _PRI.match(data)
    if found is None or int(found[1]) > 191:
        raise SkippableRecord("no syslog message: it does not begin with <PRI>, 0 to 191")
    facility, severity = divmod(int(found[1]), 8)
    parts: Parts = {"facility": FACILITIES[facility], "severity": SEVERITIES[severity], "format": "rfc5424"}
    version = _VERSION.match(data, found.end())
    if version is not None:
        if version[0] != b"1 ":
            raise SkippableRecord(f"syslog version {version[0].decode().strip()}, not 1 (RFC 5424 section 6.2.2)")
        parts.update(_read_5424(data, version.end(), encoding))
        return parts
    parts["format"] = "rfc3164"
    parts.update(_read_3164(data, found.end(), received, encoding))
    return parts


def _read_5424(data: bytes, position: int, encoding: str) -> Parts:
    """RFC 5424 section 6; lengths of the header's fields are not limited, as senders exceed them."""
    header = _HEADER.match(data, position)
    if header is None:
        raise SkippableRecord("no RFC 5424 header: five fields of printable ASCII, each followed by a space")
    timestamp, hostname, app_name, procid, msgid = (
        None if value == NIL else value for value in header[0][:-1].decode("ascii").split(" ")
    )
    if timestamp is not None and _TIMESTAMP.fullmatch(timestamp) is None:
        raise SkippableRecord(f"{timestamp!r} is no TIMESTAMP (RFC 5424 section 6.2.3)")
    elements, position = _read_structured_data(data, header.end())
    return {
        "time": timestamp or NIL,
        "timestamp": timestamp,
        "hostname": hostname,
        "app_name": app_name,
        "procid": procid,
        "msgid": msgid,
        "structured_data": elements,
        "message": _read_text(data, position, encoding),
    }


def _read_structured_data(data: bytes, position: int) -> tuple[Parts, int]:
    """RFC 5424 section 6.3: an element stands there once; of a parameter that is repeated, the list of its values."""
    if data[position : position + 1] == b"-":
        return {}, position + 1
    elements: Parts = {}
    while (element := _ELEMENT.match(data, position)) is not None:
        name, position = element[1].decode("ascii"), element.end()
        if name in elements:
            raise SkippableRecord(f"SD-ID {name!r} stands there twice (RFC 5424 section 6.3.2)")
        values: dict[str, str | list[str]] = {}
        while (parameter := _PARAMETER.match(data, position)) is not None:
            _add(values, parameter[1].decode("ascii"), _unescape(parameter[2]))
            position = parameter.end()
        if data[position : position + 1] != b"]":
            raise SkippableRecord(f"SD-ELEMENT {name!r} does not end as one (RFC 5424 section 6.3.1)")
        position += 1
        elements[name] = values
    if not elements:
        raise SkippableRecord("neither - nor structured data after the header (RFC 5424 section 6.3)")
    return elements, position


def _add(values: dict[str, str | list[str]], key: str, value: str) -> None:
    before = values.get(key)
    if before is None:
        values[key] = value
    else:
        values[key] = [before, value] if isinstance(before, str) else [*before, value]


def _unescape(value: bytes) -> str:
    """RFC 5424 section 6.3.3: a backslash escapes a quote, a backslash and `]`; before anything else it is itself."""
    text = value.decode("utf-8", "replace")
    return _ESCAPE.sub(r"\1", text) if "\\" in text else text


def _read_text(data: bytes, position: int, encoding: str) -> str | None:
    """RFC 5424 section 6.4: after a space; with a byte order mark it is UTF-8, else of unknown encoding."""
    if position == len(data):
        return None
    if data[position : position + 1] != b" ":
        raise SkippableRecord("no space before the message (RFC 5424 section 6)")
    text = data[position + 1 :]
    if text.startswith(b"\xef\xbb\xbf"):
        return _decode(text[3:], "utf-8")
    return _decode(text, encoding)


def _decode(text: bytes, encoding: str) -> str:
    """The text without the trailer that some senders count in."""
    return text.rstrip(b"\r\n\x00").decode(encoding, "replace")


def _read_3164(data: bytes, position: int, received: datetime, encoding: str) -> Parts:
    """RFC 3164 section 4.1, also with the time of RFC 5424, as rsyslog forwards; what is not there is null.

    Without a time all the rest is the message (section 4.3.2), as with devices that write their own times.
    """
    parts: Parts = {"time": NIL, "timestamp": None, "hostname": None, "app_name": None, "procid": None}
    if (iso := _ISO_TIME.match(data, position)) is not None:
        stamp = iso[0].decode().strip()
        parts |= {"time": stamp, "timestamp": stamp}
        position = iso.end()
    elif (bsd := _BSD_TIME.match(data, position)) is not None and bsd[1].decode() in _MONTHS:
        parts |= {"time": _bsd_time(bsd, received), "timestamp": bsd[0].decode().strip()}
        position = bsd.end()
    if parts["timestamp"] is not None and (host := _HOST.match(data, position)) is not None:
        parts["hostname"] = host[1].decode()
        position = host.end()
    if (tag := _TAG.match(data, position)) is not None:
        parts |= {"app_name": tag[1].decode(), "procid": tag[2].decode() if tag[2] else None}
        position = tag.end()
    return {**parts, "msgid": None, "structured_data": {}, "message": _decode(data[position:], encoding)}


def _bsd_time(found: "re.Match[bytes]", received: datetime) -> str:
    """`Nov  5 06:52:05` in ISO 8601, in the year in which it lies nearest to the reception; `-` for no date."""
    month, day, clock = _MONTHS.index(found[1].decode()) + 1, int(found[2]), found[3].decode()
    years = [int(found[4])] if found[4] else [received.year + step for step in (0, -1, 1)]
    dates = []
    for year in years:
        try:
            dates.append(datetime.fromisoformat(f"{year:04}-{month:02}-{day:02}T{clock}"))
        except ValueError:
            continue  # the 29th of February, hour 24
    if not dates:
        return NIL
    return min(dates, key=lambda date: abs(date - received.replace(tzinfo=None))).isoformat()
