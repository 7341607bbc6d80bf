"""`trailseal key`: the keys of a ledger and what happened to them."""

import typer
from sqlalchemy import select

from ledger.cli import key_life, key_store
from ledger.cli.ledgers import LedgerOption, opened
from ledger.cli.output import AsJson, say, say_json
from ledger.core.address import Address
from ledger.store.position import index_of, log_of
from ledger.trust.tables import key_event

group = typer.Typer(help="Keys and their history.", no_args_is_help=True)
key_life.add_to(group)
key_store.add_to(group)


@group.command("list")
def list_keys(ledger: LedgerOption, as_json: AsJson = False) -> None:
    """The verifier key that signs each log's checkpoints now, and every key event."""
    with opened(ledger) as service:
        provider = service.keys.options.provider
        logs = sorted(service.logs.values(), key=lambda log: log.number)
        keys = [{"log": log.name, "origin": log.origin, "vkey": service.vkey(log)} for log in logs]
        origins = {log.number: log.origin for log in logs}
        with service.store.reading() as connection:
            events = [
                {
                    "address": str(Address(origins[log_of(row.pos)], index_of(row.pos))),
                    "event": row.event,
                    "purpose": row.purpose,
                    "key": row.key,
                }
                for row in connection.execute(select(key_event).order_by(key_event.c.pos))
            ]
    if as_json:
        say_json({"provider": provider, "keys": keys, "events": events})
        return
    say(f"Kept by the provider {provider}")
    for key in keys:
        say(f"{key['log']:10} {key['vkey']}")
    for event in events:
        say(f"{event['event']:12} {event['purpose']:7} {event['key']}  ({event['address']})")
