"""Loaded by the process that warm commands are forked off: the application of a server is made there, once for all.

It is the very application that `trailseal serve` makes, with no ledger behind it yet. A cold command makes its own.
"""

from litestar import Litestar

from ledger import server

_ZONE = "UTC"  # of a ledger whose settings name none
_make = server.application
_made = [_make(_ZONE)]


def _application(zone: str) -> Litestar:
    """The one that is made, if it is for this zone and nobody in this process has it."""
    return _made.pop() if _made and zone == _ZONE else _make(zone)


server.application = _application
