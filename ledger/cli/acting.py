"""Who acts at a terminal: whoever's credential the environment bears, else whoever has the ledger's folder."""

import os
from typing import Final

from ledger.cli.ledgers import local
from ledger.core.authority import Authority
from ledger.people.secrets import SESSION
from ledger.service import Service

CREDENTIAL: Final = "TRAILSEAL_CREDENTIAL"


def acting(service: Service) -> Authority:
    """Whoever's token or session TRAILSEAL_CREDENTIAL holds; without it `local:<OS user>`, *not authenticated*.

    Raises NotAuthenticated for a credential that is not in force.
    """
    shown = os.environ.get(CREDENTIAL, "")
    if not shown:
        return local(service)
    if shown.startswith(f"{SESSION}_"):
        return service.people.sessions.find(shown).authority
    return service.people.directory.find(shown).caller.authority
