"""The verification: what was checked while this package was made, and the checkpoint that it stands on."""

from reportlab.platypus import Flowable

from ledger.present.messages import message
from reports.dataset import ReportData
from reports.style import QUIET, code, text


def verification(data: ReportData) -> list[Flowable]:
    """Level 1 of the rows used, the last verification of the whole ledger, the checkpoint's own words."""
    found: list[Flowable] = [
        text(message("report.verification.lead")),
        text(ledger_says(data)),
        text(message("report.verification.checkpoint"), QUIET),
    ]
    return [*found, *(code(line) for line in data.checkpoint.decode().splitlines())]


def ledger_says(data: ReportData) -> str:
    """What the last verification of the whole ledger found, or that none was at hand."""
    if not data.verification_says:
        return message("report.ledger.none")
    return message("report.ledger", says=data.verification_says)
