"""Deutsch: die Wörter, die ein Nachweisbericht in eigenem Sinn gebraucht."""

MESSAGES = {
    "glossary.alcoa": "ALCOA+",
    "glossary.alcoa.means": "Was eine Aufzeichnung sein soll: zuordenbar, lesbar, zeitgleich, original, richtig; "
    "vollständig, stimmig, dauerhaft und verfügbar.",
    "glossary.audit-trail": "Audit-Trail",
    "glossary.audit-trail.means": "Was ein System von selbst festhält: wer was wann getan hat, von welchem auf welchen "
    "Wert, und warum.",
    "glossary.bag": "Bag",
    "glossary.bag.means": "Ein Ordner mit einer Liste der Prüfsummen seiner Dateien (RFC 8493); jedes Programm für "
    "Bags kann ihn prüfen.",
    "glossary.body": "Inhalt",
    "glossary.body.means": "Was ein Eintrag sagt; er steht neben seinem Blatt, das ihn festlegt.",
    "glossary.checkpoint": "Prüfpunkt",
    "glossary.checkpoint.means": "Die signierte Aussage über Größe und Wurzel eines Logs: sie legt jeden Eintrag bis "
    "zu dieser Größe fest.",
    "glossary.collection-run": "Sammellauf",
    "glossary.collection-run.means": "Ein Auslesen einer Quelle: was es brachte, von wo bis wo, und was nicht zu "
    "erreichen war. Die Läufe einer Quelle sind verkettet.",
    "glossary.commitment": "Festlegung",
    "glossary.commitment.means": "Eine Prüfsumme mit zufälligem Salz: sie legt einen Wert fest und verrät nichts von "
    "ihm.",
    "glossary.completeness": "Beweis und Erklärung der Vollständigkeit",
    "glossary.completeness.means": "Ein Beweis folgt aus der Kette der Läufe einer Quelle. Eine Erklärung signiert der "
    "Berichtsschlüssel des Logs: sie lässt sich am Log nachprüfen und folgt nicht aus diesem Paket allein.",
    "glossary.derived": "Abgeleitet",
    "glossary.derived.means": "Eine Aufzeichnung gehört durch eine Regel oder einen Zeitraum zu einer Charge und "
    "nennt sie nicht selbst.",
    "glossary.entry": "Eintrag",
    "glossary.entry.means": "Was einmal in das Log kam; seine Nummer ist sein Platz im Log, von 0 an.",
    "glossary.exposure": "Ungeschützte Zeit",
    "glossary.exposure.means": "Die Zeit vom Aufzeichnen in der Quelle bis zum Empfang. In ihr lag die Aufzeichnung "
    "allein bei der Quelle.",
    "glossary.fingerprint": "Fingerabdruck",
    "glossary.fingerprint.means": "Der Anfang einer Prüfsumme, kurz genug für den Vergleich mit dem Auge.",
    "glossary.leaf": "Blatt",
    "glossary.leaf.means": "Der Teil eines Eintrags, aus dem der Baum des Logs besteht: Nummer, Zeit, Art, Festlegung "
    "und die Prüfsumme des Eintrags davor.",
    "glossary.log": "Log",
    "glossary.log.means": "Eine Liste, an die Einträge nur angefügt werden.",
    "glossary.original": "Original",
    "glossary.original.means": "Die genauen Bytes, die eine Quelle gab; die Aufzeichnung lässt sich daraus neu "
    "ableiten.",
    "glossary.proof": "Enthaltensein-Beweis",
    "glossary.proof.means": "Die wenigen Prüfsummen, die von einem Blatt zur Wurzel des Baums führen: der Eintrag ist "
    "im Log.",
    "glossary.seal": "Siegel",
    "glossary.seal.means": "Die Signatur des Berichtsschlüssels über alle Dateien des Pakets: die einer Maschine, nie "
    "die einer Person.",
    "glossary.sealed-value": "Versiegelter Wert",
    "glossary.sealed-value.means": "Ein persönlicher Wert, von dem der Inhalt nur die Festlegung hat; der Wert selbst "
    "wird mit einem Paket gegeben oder zurückgehalten.",
    "glossary.time-stamp": "Zeitstempel",
    "glossary.time-stamp.means": "Das signierte Wort einer Stelle, dass etwas zu einem Zeitpunkt da war (RFC 3161).",
    "glossary.true-copy": "Verifizierte Kopie (True Copy)",
    "glossary.true-copy.means": "Eine Kopie, von der geprüft ist, dass sie Inhalt, Zusammenhang und Aufbau ihrer "
    "Vorlage hat.",
    "glossary.verifier-key": "Prüfschlüssel",
    "glossary.verifier-key.means": "Der öffentliche Schlüssel, mit dem die Signatur eines Logs geprüft wird. Er zählt "
    "nur, wenn er von außerhalb des Pakets kommt.",
    "glossary.withheld": "Zurückgehalten",
    "glossary.withheld.means": "Im Log und nicht in diesem Paket; die Festlegung ist darin.",
    "glossary.witness": "Zeuge",
    "glossary.witness.means": "Jemand außerhalb, der Prüfpunkte mitsigniert, und nur solche, die fortsetzen, was er "
    "zuvor signiert hat.",
}
