"""Who has to give a reason gives one: words that say why, by the site's list of words that do not."""

from sqlalchemy import Connection

from ledger.core.authority import Authority
from ledger.core.errors import AccessDenied, SchemaViolation
from ledger.core.parameters import ParameterName, VagueWords
from ledger.core.vague import vague
from ledger.sources.parameters import Parameters


def require_known(authority: Authority) -> None:
    """Raises AccessDenied unless somebody signed in: whoever holds the ledger's folder is nobody who is known."""
    if not authority.authenticated:
        raise AccessDenied(f"{authority.actor} is not authenticated", advice="Sign in as yourself, and do it then.")


def require_reason(
    connection: Connection,
    parameters: Parameters,
    log: int,
    now_us: int,
    reason: str,
    source: str | None = None,
    type_: str | None = None,
) -> str:
    """The reason, without space around it; raises SchemaViolation for one that says too little (`core.vague`).

    `source` and `type_`: of what it is the reason, for whose records the site may list words of their own.
    """
    found = parameters.at(connection, log, None, ParameterName.VAGUE_WORDS, source, type_, now_us)
    words = found.value.words if found is not None and isinstance(found.value, VagueWords) else ()
    if vague(reason, words):
        raise SchemaViolation(
            "the reason says too little of why", advice="Say it in a sentence, so that it can be understood in years."
        )
    return reason.strip()
