"""Asks an authority of time over HTTP (RFC 3161 §3.4), and those who say whether its certificates were revoked.

Believes nothing of what is answered: that is verified after.
"""

from typing import Final

import httpx

from ledger.core.errors import TimestampInvalid
from ledger.core.time_tokens import MAX_RESPONSE
from ledger.trust.revocations import MAX_SOURCE

TIMEOUT_S: Final = 10.0
_QUERY, _REPLY = "application/timestamp-query", "application/timestamp-reply"


def ask(url: str, request: bytes) -> bytes:
    """The response (DER) to a request (DER); raises TimestampInvalid where there is none, saying why."""
    body, sort = _got(url, request, _QUERY, MAX_RESPONSE)
    if sort != _REPLY:
        raise TimestampInvalid(f"the authority answered {sort or 'without saying what'}, not {_REPLY}")
    return body


def fetch(url: str, request: bytes | None) -> bytes:
    """A revocation list, or the answer to an OCSP request; raises TimestampInvalid where there is none."""
    return _got(url, request, "application/ocsp-request", MAX_SOURCE)[0]


def _got(url: str, request: bytes | None, sort: str, most: int) -> tuple[bytes, str]:
    method, headers = ("GET", {}) if request is None else ("POST", {"Content-Type": sort})
    body = b""
    try:
        with httpx.stream(method, url, content=request, headers=headers, timeout=TIMEOUT_S) as answer:
            if answer.status_code != httpx.codes.OK:
                raise TimestampInvalid(f"the authority answered {answer.status_code} {answer.reason_phrase}")
            for chunk in answer.iter_raw():
                body += chunk
                if len(body) > most:
                    raise TimestampInvalid(f"the authority answered more than {most} bytes")
            return body, answer.headers.get("content-type", "").partition(";")[0].strip()
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise TimestampInvalid(
            f"the authority cannot be reached: {str(error) or type(error).__name__}",
            advice="Check the address, the network and the proxy; it is asked again by itself.",
        ) from None
