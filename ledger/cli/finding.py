"""One thing that `trailseal doctor` looked at."""

import msgspec


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """`says` how it stands; `advice` says what to do where it does not hold."""

    name: str
    ok: bool
    says: str
    advice: str = ""
