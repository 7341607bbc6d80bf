"""What people alone do at a terminal: who acts signs in."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from ledger.cli.acting import CREDENTIAL
from ledger.cli.sign import acting as signed_in
from ledger.core.errors import NotAuthenticated
from ledger.people.access import Caller
from ledger.people.secrets import SESSION
from ledger.service import Service

AsPerson = Annotated[str | None, typer.Option("--as", help="The account of who acts; their components are asked for.")]
Reason = Annotated[str, typer.Option(help="Why; it stands in the entry.")]


@contextmanager
def person(service: Service, account: str | None) -> Iterator[Caller]:
    """Who acts: somebody who signs in here, or whose session the environment bears. Raises NotAuthenticated."""
    shown = os.environ.get(CREDENTIAL, "")
    if account is not None:
        with signed_in(service, account) as caller:
            yield caller
    elif shown.startswith(f"{SESSION}_"):
        yield service.people.sessions.find(shown)
    else:
        raise NotAuthenticated("this is done by people who signed in", advice="Say who acts: --as ACCOUNT.")
