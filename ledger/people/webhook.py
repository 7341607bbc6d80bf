"""Which addresses notices may be posted to, decided from the address alone."""

from ipaddress import ip_address
from urllib.parse import urlsplit

from ledger.core.errors import SchemaViolation
from ledger.present.inert import one_line


def check_webhook(url: str) -> None:
    """Raises SchemaViolation for an address that notices don't go to: https, or http on this machine, and no more."""
    bad = SchemaViolation(
        f"notices are not sent to {one_line(url)!r}",
        advice="Use an https:// address without user, password or fragment; http:// on this machine alone.",
    )
    try:
        parsed = urlsplit(url)
        port = parsed.port
    except ValueError:
        raise bad from None
    if parsed.username is not None or parsed.password is not None or parsed.fragment:
        raise bad
    if not parsed.hostname or port == 0:
        raise bad
    if any(ord(character) <= 32 or ord(character) >= 127 for character in url) or len(url) > 500:
        raise bad
    if parsed.scheme != "https" and not (parsed.scheme == "http" and is_loopback(parsed.hostname)):
        raise bad


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, without asking anybody."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
