"""Asks an authority of time over HTTP (RFC 3161 §3.4). Believes nothing of what it answers: that is verified after."""

from typing import Final

import httpx

from ledger.core.errors import TimestampInvalid
from ledger.core.time_tokens import MAX_RESPONSE

TIMEOUT_S: Final = 10.0
_QUERY, _REPLY = "application/timestamp-query", "application/timestamp-reply"


def ask(url: str, request: bytes) -> bytes:
    """The response (DER) to a request (DER); raises TimestampInvalid where there is none, saying why."""
    headers = {"Content-Type": _QUERY, "Accept": _REPLY}
    body = b""
    try:
        with httpx.stream("POST", url, content=request, headers=headers, timeout=TIMEOUT_S) as answer:
            if answer.status_code != httpx.codes.OK:
                raise TimestampInvalid(f"the authority answered {answer.status_code} {answer.reason_phrase}")
            sort = answer.headers.get("content-type", "").partition(";")[0].strip()
            if sort != _REPLY:
                raise TimestampInvalid(f"the authority answered {sort or 'without saying what'}, not {_REPLY}")
            for chunk in answer.iter_raw():
                body += chunk
                if len(body) > MAX_RESPONSE:
                    raise TimestampInvalid(f"the authority answered more than {MAX_RESPONSE} bytes")
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise TimestampInvalid(
            f"the authority cannot be reached: {str(error) or type(error).__name__}",
            advice="Check the address, the network and the proxy; it is asked again by itself.",
        ) from None
    return body
