"""The English catalogue, one module a subject."""

from ledger.present.english import pages, people, report, sentences, words

CATALOGUE: dict[str, str] = words.MESSAGES | sentences.MESSAGES | pages.MESSAGES | report.MESSAGES | people.MESSAGES
