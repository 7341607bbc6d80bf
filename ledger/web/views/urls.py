"""Addresses of pages that several views lead to."""

from urllib.parse import urlencode


def trace_url(log: str, kind: str, id_: str, **more: str | int | None) -> str:
    """Where all that belongs to an id is."""
    given = {"log": log, "kind": kind, "id": id_} | more
    return "/trace?" + urlencode({name: value for name, value in given.items() if value is not None})
