"""How something stands that a key signed which may have been in other hands, in a sentence."""

from ledger.core.clock import utc_text
from ledger.core.doubt import Judged
from ledger.present.messages import message


def doubt_sentence(judged: Judged) -> str:
    """What is said of an entry, beside its own sentence."""
    dated = message("doubt.undated") if judged.dated_us is None else utc_text(judged.dated_us)
    if judged.doubt is None:
        return message("doubt.repudiated", repudiated=judged.repudiated or "", dated=dated)
    said = message(
        f"doubt.{judged.standing.name.lower()}",
        what=judged.doubt.what,
        since=utc_text(judged.doubt.since_us),
        said=judged.doubt.said,
        dated=dated,
        repudiated=judged.repudiated or "",
    )
    return f"{said} {message('doubt.meaning', meaning=judged.doubt.meaning)}" if judged.doubt.meaning else said
