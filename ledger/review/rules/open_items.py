"""What the ledger itself had open on a batch when it was released: its audit trail review, and findings about it.

A deferral that was signed clears a finding while it is in force, and the deviations that belong to nothing else; no
critical finding, and none about data that directly decide a release, is deferred.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from ledger.core.looks import Span
from ledger.core.parameters import Risk
from ledger.core.record import LinkKind
from ledger.present.inert import one_line
from ledger.review.known.decided import Reviewed, Standing
from ledger.review.known.facts import Told
from ledger.review.rules.known import Known


class Item(NamedTuple):
    """What was open, in words, and the records that say so; `sure` false: clocks leave it open, or (`unreadable`) what
    is said of it is no time.
    """

    why: str
    detail: str
    entries: tuple[int, ...] = ()
    sure: bool = True
    unreadable: bool = False


class Own(NamedTuple):
    """What was open, and the numbers of deviations that are deferred with the findings that they belong to."""

    items: list[Item]
    deferred: set[str]


class OpenItems:
    """Of the batches of some releases. `reviewed`: the review of a batch has to be signed before; `besides`: the rule
    whose own findings do not count.
    """

    def __init__(self, anchors: Sequence[Told], known: Known, reviewed: bool, besides: str) -> None:
        self._known = known
        batches = {batch for one in anchors for batch in one.ids(LinkKind.BATCH)}
        self._reviews = known.decided.reviews(batches) if reviewed else None
        standing = defaultdict[int, list[Standing]](list)
        for one in known.decided.findings(besides):
            standing[one.anchor].append(one)
        of = known.linking(LinkKind.BATCH, batches) if standing else {}
        self._findings: Mapping[str, list[Standing]] = {
            id_: [one for entry in its for one in standing.get(entry, ())] for id_, its in of.items()
        }

    def of(self, told: Told) -> Own:
        """What was open when the batches of a release were released."""
        # Nothing is logged before it happened, so that what is logged later changes nothing of this.
        released = Span(
            low_us=min(told.about.low_us, told.logged_us),
            high_us=min(told.about.high_us, told.logged_us),
            measured=told.about.measured,
        )
        own = Own([], set())
        for batch in told.ids(LinkKind.BATCH):
            if self._reviews is not None:
                own.items.extend(_unreviewed(batch, self._reviews.get(batch, ()), released))
            self._open_findings(batch, released, own)
        return own

    def _open_findings(self, batch: str, released: Span, own: Own) -> None:
        others, deferred = list[Standing](), list[Standing]()
        for one in self._findings.get(batch, ()):
            judged, waits = _before(one.judged_us, released), self._deferred(one, batch, released)
            (deferred if waits else others).append(one)
            if judged is not True and waits is not True:
                detail = f"nobody had judged a finding of rule {one.rule} on entry {one.anchor}"
                sure = judged is False and waits is False
                own.items.append(Item("finding-open", detail, (one.anchor,), sure))
        if deferred:
            numbers = self._known.decided.deviations
            kept = {number for one in others for number in numbers(one.key)}
            own.deferred.update(number for one in deferred for number in numbers(one.key) if number not in kept)

    def _deferred(self, one: Standing, batch: str, released: Span) -> bool | None:
        """Whether a finding was deferred when the batch was released; None: clocks leave it open."""
        if one.critical:
            return False
        asked = [held for held in self._known.decided.deferrals(one.key) if held.asked_us <= released.high_us]
        if not asked or asked[-1].batch != batch or self._decides(one):
            return False
        begun, over = _before(asked[-1].signed_us, released), _before(asked[-1].expires_us - 1, released)
        if begun is False or over is True:
            return False
        return None if begun is None or over is None else True

    def _decides(self, one: Standing) -> bool:
        """Whether a finding is about data that directly decide a release."""
        records = self._known.told(self._known.decided.rests_on(one))
        found = (self._known.value(told, Risk) for told in records)
        return any(risk is not None and risk.decides_release for risk in found)


def _unreviewed(batch: str, reviews: Sequence[Reviewed], released: Span) -> Iterator[Item]:
    opened = [one for one in reviews if one.opened_us <= released.high_us]
    ended = [one for one in opened[-1].concluded if one.at_us <= released.high_us] if opened else []
    signed = _before(ended[-1].signed_us, released) if ended else False
    if signed is not True:
        detail = f"the audit trail review of {one_line(batch)} was not signed before"
        yield Item("review-open", detail, sure=signed is False)


def _before(at_us: int | None, released: Span) -> bool | None:
    """Whether a moment lies before the release; None: clocks leave it open."""
    if at_us is None or at_us > released.high_us:
        return False
    return True if at_us < released.low_us else None
