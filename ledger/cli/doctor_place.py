"""What `doctor` says of where a ledger is: whether it goes on here, and whether its tiles can be published."""

import os
from collections.abc import Iterator

from ledger.cli.finding import Finding
from ledger.service import Service
from ledger.trust.signed import SignedState


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
