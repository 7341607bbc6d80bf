"""`trailseal search --export`: all that a search finds, as a file that is whole or not there."""

import os
import secrets
from pathlib import Path

from ledger.cli.ledgers import LedgerOption, local, opened
from ledger.cli.output import say, say_json
from ledger.core.errors import ConfigError, SchemaViolation
from ledger.exporting import Wanted, begin
from ledger.present.messages import message, number
from ledger.privacy.look_up_kinds import Purpose
from reports.exports import Format


def export(
    ledger: LedgerOption,
    log: str | None,
    wanted: Wanted,
    purpose: Purpose | None,
    file: Path,
    format_: Format | None,
    as_json: bool,
) -> None:
    """Writes the file, of the format that its name ends with if none is said; one that is there already is replaced.

    Raises SchemaViolation for a name of no known format, ConfigError for a file that cannot be written, and as
    `exporting.begin` does.
    """
    chosen_format = format_ or _by_name(file)
    with opened(ledger) as service:
        chosen, authority = service.log(log), local(service)
        begun = begin(service, chosen, wanted, chosen_format, authority.actor, purpose)
        begun.enter(service, chosen, authority.actor, authority)
        partly = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
        try:
            with partly.open("xb") as written:
                written.writelines(begun.pieces)
                written.flush()
                os.fsync(written.fileno())
            partly.replace(file)
        except OSError as error:
            raise ConfigError(
                f"{file} cannot be written: {error.strerror}", advice="Name a file in a folder that you may write to."
            ) from None
        finally:
            partly.unlink(missing_ok=True)
    source = begun.source
    if as_json:
        say_json({"file": str(file), "origin": source.origin, "size": source.size, "root": source.root,
                  "checkpoint": source.checkpoint})  # fmt: skip
        return
    say(message("export.wrote", file=file, size=number(source.size), root=source.root))


def _by_name(file: Path) -> Format:
    ending = file.suffix.lstrip(".").lower()
    if ending not in set(Format):
        raise SchemaViolation(
            f"{file.name} says no format", advice=f"Name one: --format {', '.join(Format)}, or end the name with it."
        )
    return Format(ending)
