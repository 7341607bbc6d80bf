"""How to verify: with the tool in one command, or by hand from the formats; the same words in a text file."""

import textwrap

from reportlab.platypus import Flowable

from ledger.present.messages import message
from reports.dataset import ReportData
from reports.keys import fingerprint
from reports.standalone import page_digest
from reports.style import H2, text

_STEPS = ("report.howto.step1", "report.howto.step2", "report.howto.step3")


def howto(data: ReportData) -> list[Flowable]:
    """The section of the report."""
    found: list[Flowable] = [text(message("report.howto.lead"))]
    found += [text(f"{number}.  {words}") for number, words in enumerate(_steps(data), start=1)]
    found.append(text(_page()))
    found += [text(message("report.howto.hand.title"), H2), text(message("report.howto.hand"))]
    return [*found, text(message("report.howto.bound"))]


def help_text(data: ReportData) -> str:
    """The file `HOW-TO-VERIFY.txt`."""
    paragraphs = [
        message("report.help"),
        message("report.howto.lead"),
        *(f"{number}. {words}" for number, words in enumerate(_steps(data), start=1)),
        _page(),
        f"{message('report.howto.hand.title')}. {message('report.howto.hand')}",
        message("report.howto.bound"),
    ]
    return "\n\n".join(textwrap.fill(words, 100, break_long_words=False) for words in paragraphs) + "\n"


def _page() -> str:
    return message("report.howto.page", digest=page_digest())


def _steps(data: ReportData) -> list[str]:
    return [message(key, fingerprint=fingerprint(data.log_key), package=data.package) for key in _STEPS]
