"""The signatures: each as 21 CFR 11.50 wants it shown, with the fingerprint that ties ink on paper to it."""

from reportlab.platypus import CondPageBreak, Flowable, Spacer

from ledger.core.signature import Mode
from ledger.present.manifest import withstands
from ledger.present.messages import message
from reports.dataset import ReportData, ShownSignature
from reports.style import HEAD, QUIET, code, facts, text


def signatures(data: ReportData, width: float) -> list[Flowable]:
    """Every signature over records of the package; that there is none is said too."""
    if not data.signatures:
        return [text(message("report.signatures.none"))]
    found: list[Flowable] = [text(message("report.signatures.lead"))]
    for one in data.signatures:
        found += _signature(one, width)
    if data.founded is not None:
        found += [
            text(message("report.signatures.card", origin=data.system or ""), QUIET),
            code(data.founded),
        ]
    return found


def _signature(one: ShownSignature, width: float) -> list[Flowable]:
    shown = one.shown
    signer = message("signature.who", name=shown.name, account=shown.account, role=shown.role)
    if shown.for_other is not None:
        signer = message("signature.for", who=signer, other=shown.for_other)
    rows: list[tuple[str, Flowable]] = [
        (message("report.signatures.signer"), text(signer)),
        (message("report.signatures.meaning"), text(f"{shown.meaning} [{shown.language}]")),
        (message("report.signatures.reason"), text(shown.reason)),
        (message("report.signatures.at"), text(f"{shown.at}, {shown.zone} ({shown.utc})")),
        (message("report.signatures.over"), text(shown.target)),
        (message("report.signatures.mode"), text(f"{shown.mode}. {shown.class_text}")),
        *_rests(one),
        (message("report.letter"), text(one.letter)),
        (message("report.signatures.fingerprint"), code(shown.fingerprint)),
        (message("report.signatures.entry"), code(one.address)),
    ]
    return [CondPageBreak(140), text(shown.name, HEAD), facts(rows, width), Spacer(1, 6)]


def _rests(one: ShownSignature) -> list[tuple[str, Flowable]]:
    """What a signature by the identity provider's token rests on, plainly."""
    if one.rests_on is None:
        return []
    keys, link = one.rests_on
    said = f"{withstands(Mode.PROVIDER)} {message('report.signatures.rests.entries', keys=keys, link=link)}"
    return [(message("report.signatures.rests"), text(said))]
