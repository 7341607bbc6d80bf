"""`trailseal user`: people, and how they sign in."""

import typer

from ledger.cli import user_access, user_persons, user_provider, user_rights

WHO = (
    "Who acts: with a token, or the secret of a session, in TRAILSEAL_CREDENTIAL its account; else local:<OS user>, "
    "marked *not authenticated*. Without a credential accounts and roles can be changed only until two persons hold "
    "roles (the first start); from then on it takes scope admin."
)
group = typer.Typer(
    help=f"People: accounts, roles, qualifications, access reviews, and how they sign in.\n\n{WHO}",
    no_args_is_help=True,
)
user_persons.add_to(group)
user_rights.add_to(group)
user_access.add_to(group)
group.add_typer(user_provider.group, name="provider")
