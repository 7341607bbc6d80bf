"""The terminal: `trailseal …`. One module a group of commands; `app` puts them together."""

from ledger.cli.app import main

__all__ = ["main"]
