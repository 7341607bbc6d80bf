"""The German catalogue: of what an evidence report says; what it lacks is said in English."""

from ledger.present.german import glossary, report, sections, words

CATALOGUE: dict[str, str] = {
    key: text for part in (glossary, report, sections, words) for key, text in part.MESSAGES.items()
}
