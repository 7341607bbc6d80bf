"""`trailseal user`: people, and how they sign in."""

import typer

from ledger.cli import user_provider

group = typer.Typer(help="People: how they sign in.", no_args_is_help=True)
group.add_typer(user_provider.group, name="provider")
