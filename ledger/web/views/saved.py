"""Saved searches as the search page shows them: each a link that asks the same again."""

from collections.abc import Iterable
from urllib.parse import urlencode

import msgspec

from ledger.core.clock import utc_text
from ledger.people.access import Caller, Scope
from ledger.sources.saved_queries import Saved
from ledger.store.ordering import SortKey
from ledger.store.question import TIMES

_REASONED = {True: "yes", False: "no"}


class SavedRow(msgspec.Struct, frozen=True, kw_only=True):
    """A search that the caller sees. `url`: None where it asks over two times at once, which the form cannot hold;
    `removable`: it is the caller's own, or shared and the caller may configure.
    """

    id: str
    name: str
    owner: str
    own: bool
    shared: bool
    url: str | None
    removable: bool


def saved_rows(found: Iterable[Saved], caller: Caller) -> list[SavedRow]:
    """Those of logs that the caller may read."""
    return [
        SavedRow(
            id=one.id,
            name=one.name,
            owner=one.owner,
            own=one.owner == caller.account,
            shared=one.shared,
            url=address(one),
            removable=one.owner == caller.account or caller.allows(Scope.CONFIGURE),
        )
        for one in found
        if caller.allows(Scope.READ, one.log)
    ]


def address(saved: Saved) -> str | None:
    """Where the page asks the same; None where its form cannot."""
    asked = {**msgspec.to_builtins(saved.query), **msgspec.to_builtins(saved.where)}
    fields: dict[str, str] = {"log": saved.log}
    bounds = {time: [asked.pop(f"{time}_{side}", None) for side in ("from", "to")] for time in TIMES}
    used = [time for time in TIMES if bounds[time] != [None, None]]
    if len(used) > 1:
        return None
    for time in used:
        fields["time"] = time
        fields |= {side: utc_text(at) for side, at in zip(("from", "to"), bounds[time], strict=True) if at is not None}
    if links := asked.pop("links", None):
        fields["links"] = "; ".join(f"{kind}:{id_}" for kind, id_ in links)
    if (reasoned := asked.pop("reasoned", None)) is not None:
        fields["reasoned"] = _REASONED[reasoned]
    fields |= {name: str(value) for name, value in asked.items()}
    if saved.sort.by is not SortKey.INDEX:
        fields["sort"] = saved.sort.by.value
    if saved.sort.ascending:
        fields["order"] = "asc"
    if saved.columns:
        fields["columns"] = ",".join(saved.columns)
    return "/search?" + urlencode(fields)
