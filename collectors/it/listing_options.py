"""The options that all drivers of JSON over HTTP have, and how options become parts of a `Spec`."""

from datetime import timedelta
from urllib.parse import unquote
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from collectors.base import Collector, Option
from collectors.it.http import Limits
from collectors.it.http_auth import Auth, Credentials, Login
from collectors.it.listing_cursor import MAX_EACH
from collectors.it.listing_spec import Path
from collectors.mapping.expression import Take, compile_path
from collectors.options import read_list
from ledger.core.errors import ConfigError, InvalidEntry
from ledger.core.times import parse_source_time

URL = Option(name="url", meaning="base address, https://HOST:PORT/PATH; http only to this machine", required=True)
BOUNDS = (
    Option(name="page_size", meaning="items asked for at once", default="100"),
    Option(name="window_minutes", meaning="how late an item may become visible: so much is read again", default="10"),
    Option(name="start", meaning="where to begin, ISO 8601 with offset; without it: all that the source gives"),
    Option(name="max_mebibytes", meaning="an answer holds at most this much", default="32"),
    Option(name="timeout", meaning="seconds of silence after which an answer is given up", default="30"),
    Option(
        name="ca_file",
        meaning="certificates (PEM) of the authorities that may vouch for the source, in place of the system's",
    ),
)


def credentials(collector: Collector) -> Credentials:
    """As whom the options and secrets say that the source is asked; raises ConfigError."""
    return Credentials(
        auth=Auth(word(collector, "auth", tuple(Auth))),
        user=collector.option("user"),
        secret=collector.secret("password"),
        header=collector.option("auth_header"),
        login=Login(
            path=collector.option("login"),
            form=word(collector, "login_as", ("form", "json")) == "form",
            user_field=collector.option("login_user"),
            password_field=collector.option("login_password"),
            token=collector.option("login_token"),
        ),
    )


def limits(collector: Collector) -> Limits:
    """The bounds of one answer; raises ConfigError."""
    return Limits(
        bytes=int(collector.number("max_mebibytes", 1, 256)) * 1024 * 1024, silence=collector.number("timeout", 1, 600)
    )


def window(collector: Collector) -> timedelta:
    """How much is read again; raises ConfigError."""
    return timedelta(minutes=collector.number("window_minutes", 0, 100_000))


def word(collector: Collector, name: str, words: tuple[str, ...]) -> str:
    """An option that is one of some words; raises ConfigError."""
    value = collector.option(name).strip().lower()
    if value not in words:
        raise ConfigError(f"option {name!r} is {value!r}", advice=f"Use one of: {', '.join(words)}.")
    return value


def pairs(text: str, name: str) -> tuple[tuple[str, str], ...]:
    """Parameters as they stand in a query, `NAME=VALUE&NAME=VALUE`; `%26` is an `&` within one. Raises ConfigError."""
    found = []
    for part in text.split("&") if text else ():
        key, sign, value = part.partition("=")
        if not sign or not key:
            raise ConfigError(f"option {name!r}: {part!r} is no parameter", advice="Write NAME=VALUE&NAME=VALUE.")
        found.append((unquote(key.strip()), unquote(value)))
    return tuple(found)


def path(text: str) -> Path:
    """Names of members, divided by dots; no name for an empty text."""
    return tuple(text.split(".")) if text else ()


def expression(collector: Collector, name: str) -> Take | None:
    """An option that is a JMESPath expression; None where it is empty. Raises ConfigError."""
    text = collector.option(name)
    return compile_path(text, f"option {name}") if text else None


def lists(text: str, *, needed: bool) -> tuple[str, ...]:
    """The things that a list is read for, one after another. Raises ConfigError."""
    found = read_list(text)
    if needed and not found:
        raise ConfigError("path or query name {each}, and the option 'each' is empty", advice="List what to read.")
    if found and not needed:
        raise ConfigError("the option 'each' is set, and neither path nor query names {each}", advice="Leave it out.")
    if len(found) > MAX_EACH:
        raise ConfigError(f"the option 'each' lists {len(found)}", advice=f"At most {MAX_EACH}; use a second source.")
    return found or ("",)


def zone(text: str, name: str) -> ZoneInfo:
    """A time zone by its IANA name; raises ConfigError."""
    try:
        return ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ConfigError(f"option {name!r}: {text!r} is no time zone", advice="Use an IANA name.") from None


def instant(text: str, name: str) -> int | None:
    """An instant in ISO 8601 with its offset; None for an empty text. Raises ConfigError."""
    if not text:
        return None
    try:
        found = parse_source_time(text).instant_us
    except (InvalidEntry, OverflowError):
        found = None
    if found is None:
        raise ConfigError(f"option {name!r}: {text!r} is no instant", advice="Write it as 2026-01-31T08:00:00Z.")
    return found


def must_be_known(text: str, known: set[str], name: str) -> None:
    """Raises ConfigError for `{WORD}` in a text that is none of these."""
    left = text
    for one in known:
        left = left.replace(f"{{{one}}}", "")
    if "{" in left or "}" in left:
        raise ConfigError(
            f"option {name!r}: {text!r} names something that is not filled in",
            advice=f"Filled in are: {', '.join(f'{{{one}}}' for one in sorted(known)) or 'none'}.",
        )
