"""What `doctor` says of where a ledger is: whether it goes on here, and whether its tiles can be published."""

import os
from collections.abc import Iterator

from ledger.cli.finding import Finding
from ledger.core.errors import LedgerError
from ledger.integrity.kept import kept_faults
from ledger.service import Service
from ledger.trust.signed import SignedState

_TOLD = 5


def place_findings(service: Service) -> Iterator[Finding]:
    """Of a ledger that was never moved, and publishes no tiles, nothing."""
    moved = SignedState(service.folder / "signed").moved()
    if moved is not None:
        yield Finding(
            name="place",
            ok=False,
            says=f"this ledger was moved to {moved.place} (entry {moved.entry} of the system log): it is fenced here",
            advice="Use it there. Where it was carried to: `trailseal log move in`, with the code of the move.",
        )
    if service.settings.tiles_folder is not None:
        out = service.folder / service.settings.tiles_folder
        there = next((one for one in (out, *out.parents) if one.exists()), out)
        yield Finding(
            name="tiles",
            ok=there.is_dir() and os.access(there, os.W_OK),
            says=f"tiles are exported to {out}",
            advice="Let the service write there, or take tiles_folder out of the settings.",
        )
    yield from _kept(service)


def _kept(service: Service) -> Iterator[Finding]:
    """Whether the copies outside the database would be good on the day that they are needed."""
    if not (service.folder / "kept").is_dir():
        return
    keys = ((log, service.verifiers(log)) for log in service.logs.values())
    try:
        wrong = list(kept_faults(service.store, service.folder, service.cases, keys))
    except LedgerError as error:
        wrong = [error.message]  # the log itself does not say what should be there: verification tells why
    yield Finding(
        name="kept",
        ok=not wrong,
        says="; ".join(wrong[:_TOLD]) or "checkpoints, time-stamps and cases kept outside the database are sound",
        advice="Look at the disk, and put back the copy that was made of these files; the log itself is not concerned.",
    )
