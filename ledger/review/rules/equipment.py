"""The records of equipment around a record, wherever they came from."""

from collections.abc import Collection, Iterable

from ledger.review.known.cases import Elsewhere
from ledger.review.known.facts import Told
from ledger.review.rules.known import Known


def of_assets(
    assets: Collection[str], of: Elsewhere, around: Told, back_us: int, on_us: int, known: Known
) -> Iterable[Told]:
    """The records of these systems and types that concern one of these assets, and can have happened from so long
    before a record to so long after it, in the order of the log.
    """
    if not of.sources or not of.types:
        return []
    low, high = around.about.low_us - back_us, around.about.high_us + on_us
    reach = max(known.reach.over(source, low, high) for source in of.sources)
    near = (one for asset in assets for _, one in known.assets.moments(asset, low - reach, high + reach + 1))
    told = [one for one in known.told(one.entry for one in near) if one.record.source in of.sources]
    met = (one for one in told if one.about.high_us >= low and one.about.low_us <= high)
    return [one for one in met if one.record.object.type in of.types]
