"""How an entry is signed off, in lines of the terminal."""

from ledger.cli.output import say
from ledger.signing.sign_off import SignOff


def say_signed(how: SignOff) -> None:
    """Says who signed an entry, and which signatures it still takes."""
    for one in how.given:
        say(f"  ● signed by {one.name} ({one.account}), {one.role}, {one.signed_at} {one.zone}: {one.text}")
    for lacking in how.open:
        by = f" by {' or '.join(role.value for role in lacking.roles)}" if lacking.roles else ""
        say(f"  ○ not signed yet: {lacking.meaning!r}{by} (action {lacking.action!r} of `trailseal sign`)")
