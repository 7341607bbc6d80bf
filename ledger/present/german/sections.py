"""Deutsch: die Abschnitte des Nachweisberichts über Quellen, Entscheidungen, Unterschriften und das Paket selbst."""

MESSAGES = {
    "report.col.account": "Konto",
    "report.col.acted": "Zuerst und zuletzt",
    "report.col.asks": "Was verlangt ist",
    "report.col.basis": "Quelle",
    "report.col.between": "Zwischen (UTC)",
    "report.col.by": "Durch",
    "report.col.change": "Alt → neu",
    "report.col.clause": "Stelle",
    "report.col.collected": "Gesammelt",
    "report.col.duplicates": "Doppelt",
    "report.col.exposure": "Kürzeste bis längste",
    "report.col.first": "Zuerst",
    "report.col.gaps": "Lücken",
    "report.col.interval": "Von, bis (UTC)",
    "report.col.kind": "Was nicht bekannt ist",
    "report.col.last": "Zuletzt",
    "report.col.quarantined": "Quarantäne",
    "report.col.reason": "Grund",
    "report.col.roles": "Rollen bei der Quelle",
    "report.col.runs": "Läufe",
    "report.col.section": "Wo in diesem Bericht",
    "report.col.selected": "Gewählt",
    "report.col.shown": "Gezeigt durch",
    "report.col.source": "Quelle",
    "report.col.step": "Schritt",
    "report.col.undated": "Ohne Zeitpunkt",
    "report.col.unexposed": "Ohne Zeit des Aufzeichnens",
    "report.col.what": "Was",
    "report.col.when": "Wann",
    "report.col.who": "Wer",
    "report.copies": "Briefe und Scans",
    "report.copies.digest": "SHA-256",
    "report.copies.erased": "Nicht in diesem Paket: nicht mehr im Log.",
    "report.copies.included": "{size} Bytes",
    "report.copies.lead": "Der Brief nach 21 CFR 11.100(c), der für jede Unterschrift galt, und der Scan jeder "
    "Unterschrift von Hand: jeder ist die Datei, die sein Eintrag festlegt, SHA-256(0x04 ‖ Salz ‖ Datei) mit dem Salz "
    "in copies.jsonl.",
    "report.copies.left-out": "Nicht in diesem Paket, das höchstens {most} solche Dateien hat; sie bleibt im Log.",
    "report.copies.size": "Größe",
    "report.copies.where": "Wo",
    "report.copies.withheld": "Nicht in diesem Paket: der Ausdruck zeigt Werte, die das Paket zurückhält.",
    "report.copy": "Bescheinigung der verifizierten Kopie (True Copy)",
    "report.copy.bodies": "{records} von {records} Aufzeichnungen: jeder Inhalt, Byte für Byte, mit der Festlegung in "
    "seinem Blatt, und jedes Blatt mit der Wurzel des Logs",
    "report.copy.by": "Durch welches Verfahren",
    "report.copy.compared": "Was verglichen wurde",
    "report.copy.how": "Wie",
    "report.copy.how.says": "Als das Paket geschrieben wurde, wurde jede Aufzeichnung in einem einzigen Stand gelesen "
    "und bewiesen; dann wurde die fertige Datei so geprüft, wie ein Empfänger sie prüft. Wäre etwas abgewichen, gäbe "
    "es sie nicht.",
    "report.copy.keeps": "Was sie behält",
    "report.copy.keeps.says": "Inhalt: jede Aufzeichnung mit ihren vier Zeiten, alten und neuen Werten und Gründen. "
    "Zusammenhang: Quellen, Uhren, Sammelläufe, wer gehandelt hat, wozu es gehört. Aufbau: die genauen Bytes, die "
    "aufgenommen wurden, in ihrer Reihenfolge.",
    "report.copy.lacks": "Was ihr fehlt",
    "report.copy.lead": "Dieses Paket ist eine Kopie dessen, was das Log in seinem Umfang enthält. Was geprüft wurde, "
    "und was der Kopie fehlt:",
    "report.copy.of": "Kopie von",
    "report.copy.of.says": "{records} Aufzeichnungen des Logs {origin}",
    "report.copy.originals": "{originals} Originale, Byte für Byte, mit den Festlegungen in ihren Aufzeichnungen; "
    "{withheld} sind nicht in der Kopie",
    "report.copy.originals.withheld": "{count} Originale sind zurückgehalten oder wurden gelöscht",
    "report.copy.sign": "Eine Validierung dieses Verfahrens durch den Standort ist hier nicht festgehalten: eine "
    "Person unterschreibt, die die Kopie mit der Vorlage verglichen hat.",
    "report.copy.tables": "records.csv, ein zweites Mal aus den Aufzeichnungen erzeugt",
    "report.copy.when": "Wann",
    "report.copy.whole": "nichts von dem, was in seinem Umfang aufgenommen ist",
    "report.copy.withheld": "{count} versiegelte Werte sind zurückgehalten und so gezeigt",
    "report.custody": "Verwahrungskette",
    "report.custody.checked": "Ganzes Log geprüft",
    "report.custody.collected": "Von den Quellen gesammelt",
    "report.custody.hands": "Weitergegeben",
    "report.custody.hands.lead": "Von Hand auszufüllen von jedem, der das Paket weitergibt.",
    "report.custody.lead": "Bis zur Ausgabe dieses Pakets. Dass es ausgegeben wurde, ist ein Eintrag des Logs mit der "
    "Prüfsumme der fertigen Datei, der danach entsteht; was von da an mit der Datei geschieht, nehmen die Zeilen unten "
    "auf.",
    "report.custody.logged": "In das Log aufgenommen",
    "report.custody.made": "Ausgewählt und geschrieben",
    "report.custody.made.by": "{product}, für {who}",
    "report.custody.none": "–",
    "report.custody.sealed": "Versiegelt",
    "report.custody.seen": "Von außen gesehen",
    "report.custody.sources": "Sammler von: {names}",
    "report.glossary": "Begriffe",
    "report.hands.from": "Von",
    "report.hands.signature": "Unterschrift",
    "report.hands.to": "An",
    "report.hands.when": "Wann",
    "report.hands.why": "Wofür",
    "report.help": "SO PRÜFEN SIE DIESES PAKET",
    "report.howto.bound": "Bewiesen ist die Unversehrtheit seit dem Empfang: nicht die Wahrheit bei der Quelle, und "
    "keine Zeit über das hinaus, was die eigene Uhr des Logs sagt.",
    "report.howto.hand": "Jede Zeile von records.jsonl und entries.jsonl ist JSON in der Form von RFC 8785. „body“ des "
    "Blatts ist Base64 von SHA-256(0x02 ‖ Salz ‖ Inhalt); die Prüfsumme des Blatts ist SHA-256(0x00 ‖ Blatt), und "
    "„proof“ führt von ihr zur Wurzel in der Datei checkpoint (RFC 9162, Abschnitt 2.1.3.2), einer signierten Notiz "
    "nach C2SP mit Name, Größe und Wurzel. Ein offengelegter versiegelter Wert gibt SHA-256(0x03 ‖ Salz ‖ Wert), ein "
    "Original SHA-256(0x04 ‖ Salz ‖ Bytes). Die Kette eines Sammellaufs ist SHA-256(0x06 ‖ Kette davor ‖ Prüfsumme "
    "des Blatts), Aufzeichnung um Aufzeichnung. Jede Datei proofs/*.tlog-proof beweist eine Aufzeichnung für jeden "
    "Prüfer nach C2SP; records.multi-proof beweist alle auf einmal, durch die Prüfsummen der Bereiche des Baums ohne "
    "eine von ihnen. Der Ordner ist ein Bag nach RFC 8493; seal.note ist eine signierte Notiz über die Prüfsummen "
    "aller seiner Dateien, vom Berichtsschlüssel, für den die zweite Zeile von entries.jsonl bürgt.",
    "report.howto.hand.title": "Von Hand, ohne Trailseal",
    "report.howto.page": "Ohne Trailseal: öffnen Sie verify.html aus diesem Paket in einem Browser (ohne Netz), geben "
    "Sie den Prüfschlüssel ein und ziehen Sie das Paket darauf. Ihr Wort ist so viel wert wie die Herkunft von "
    "Schlüssel und Seite: nehmen Sie Ihre eigene Kopie der Seite, oder vergleichen Sie ihr SHA-256: {digest}. Sie "
    "nennt, was sie nicht prüft, etwa Unterschriften und Zeitstempel.",
    "report.howto.lead": "Drei Dinge sind nötig: dieses Paket, irgendein Trailseal, und der Prüfschlüssel des Logs "
    "aus einer anderen Quelle als diesem Paket.",
    "report.howto.step1": "Nehmen Sie den Prüfschlüssel von der Karte des Logs oder von dem, der das Log betreibt, und "
    "vergleichen Sie den Fingerabdruck: {fingerprint}",
    "report.howto.step2": "Führen Sie aus: trailseal verify {package}.zip --vkey SCHLÜSSEL (dazu --tsa-root "
    "WURZEL.pem, wenn Sie das Wurzelzertifikat einer Zeitstempelstelle von anderswo haben: dann sagt es, wann die "
    "Aufzeichnungen schon da waren)",
    "report.howto.step3": "Rückgabewert 0: alles stimmt. 1: etwas ist falsch, und Datei oder Eintrag werden genannt. "
    "2: in sich stimmig, aber ohne Schlüssel von außen; die Herkunft ist nicht bestätigt.",
    "report.imports": "Importierte Aufzeichnungen",
    "report.imports.agrees": "nichts weicht von dem ab, was das alte System zählt",
    "report.imports.by": "Erklärt von {actor}, an einer Stichprobe von {sample}; {compared}",
    "report.imports.compared": "die Person hatte die Datei des alten Systems, und sie war dieselbe",
    "report.imports.differences": "▲ {count} Abweichungen, siehe unten",
    "report.imports.differs": "▲ {what}: {expected} erwartet, {found} gefunden",
    "report.imports.entries": "Einträge",
    "report.imports.figures": "Zahlen",
    "report.imports.figures.says": "{rows} Zeilen wurden {records} Aufzeichnungen; {duplicates} Zeilen waren schon "
    "bekannt, {quarantined} sind aufbewahrt, wie sie standen, da sie keine Aufzeichnungen sind",
    "report.imports.file": "Datei, SHA-256",
    "report.imports.file.says": "{name}, {size} Bytes; {given}",
    "report.imports.here": "Aufzeichnungen hier",
    "report.imports.lead": "{count} Aufzeichnungen dieses Pakets wurden aus alten Audit-Trails importiert und nicht "
    "laufend gesammelt. Jede nennt ihren Import in records.jsonl und records.csv. Bis zu seinem Import war ein alter "
    "Trail allein beim alten System: was zuvor darin geändert wurde, ist hier nicht zu sehen.",
    "report.imports.live": "Laufende Sammlung",
    "report.imports.live.from": "als {source}, von {at} an",
    "report.imports.live.none": "keine Quelle ist genannt, die an seiner Stelle laufend gesammelt wird",
    "report.imports.live.not": "als {source}; hat noch nicht begonnen",
    "report.imports.live.run": "als {source}, vom ersten Lauf an (Eintrag {entry}), {at}",
    "report.imports.mapping": "Zuordnung",
    "report.imports.none": "Keine Aufzeichnung dieses Pakets ist importiert: jede wurde laufend gesammelt.",
    "report.imports.reach": "von {first} bis {last}, in {runs} Läufen",
    "report.imports.reconciliation": "Abgleich",
    "report.imports.signed": "Unterschrieben von",
    "report.imports.state": "Import",
    "report.imports.state.open": "▲ weicht von dem ab, was das alte System zählt; niemand hat eine verifizierte Kopie "
    "erklärt",
    "report.imports.state.reconciled": "abgeglichen; niemand hat eine verifizierte Kopie erklärt",
    "report.imports.state.running": "▲ nicht beendet",
    "report.imports.state.true-copy": "● als verifizierte Kopie erklärt",
    "report.imports.stated": "die Prüfsumme kam vom alten System mit und ist dieselbe",
    "report.imports.statement": "Erklärung der verifizierten Kopie",
    "report.imports.uncompared": "die Person hat die Datei des alten Systems nicht dagegengehalten",
    "report.imports.unsaid": "○ keine",
    "report.imports.unsigned": "○ keine elektronische Unterschrift darüber ist in diesem Paket",
    "report.imports.unstated": "vom alten System kam keine Prüfsumme mit",
    "report.imports.words": "Die Erklärung:",
    "report.letter": "Brief (21 CFR 11.100(c))",
    "report.letter.none": "keiner lag vor, als diese Unterschrift geleistet wurde",
    "report.letter.was": "„{title}“ vom {dated}, Eintrag {address}",
    "report.papers": "Unterschriften von Hand",
    "report.papers.entered": "Eingegeben",
    "report.papers.lead": "Neben den elektronischen abgelegt, als handschriftliche; wo die Scans sind, sagt die Liste "
    "der Briefe und Scans. Nichts davon ist eine elektronische Unterschrift.",
    "report.papers.scan": "Scan",
    "report.papers.scan.says": "{media_type}, {size} Bytes; das Papier liegt: {kept_at}",
    "report.query.action": "Handlung",
    "report.query.actor": "Konto",
    "report.query.link_id": "Verknüpfung",
    "report.query.link_kind": "Art der Verknüpfung",
    "report.query.object_id": "Gegenstand",
    "report.query.object_type": "Art des Gegenstands",
    "report.query.occurred_from": "geschehen ab",
    "report.query.occurred_to": "geschehen vor",
    "report.query.outcome": "Ausgang",
    "report.query.source": "Quelle",
    "report.query.text": "Wörter",
    "report.regulations": "Regelwerke",
    "report.regulations.lead": "Stellen, auf die dieser Bericht antwortet, in unseren Worten (englisch), und wo. Dies "
    "ist keine Rechtsberatung: maßgeblich ist der amtliche Text.",
    "report.reviews": "Prüfung der Charge",
    "report.reviews.answer": "{at}: {state}, Stand {size} Einträge (Eintrag {entry})",
    "report.reviews.answers": "Auskünfte zur Charge: {count}, die letzte zuerst",
    "report.reviews.answers.none": "Niemand hat gefragt, ob die Prüfung der Charge vollständig ist.",
    "report.reviews.approved": "Genehmigt",
    "report.reviews.asked": "von {actor}, {at}",
    "report.reviews.by": "Beantragt",
    "report.reviews.deferral": "Zurückgestellt bis {until}",
    "report.reviews.deferrals.none": "Keine Feststellung zur Charge wurde zurückgestellt.",
    "report.reviews.entry": "Eintrag",
    "report.reviews.findings": "Feststellungen",
    "report.reviews.lead": "Was zurückgestellt ist, und welche Auskunft bekam, wer fragte, ob die Prüfung des "
    "Audit-Trails vollständig ist. Dadurch wird nichts zertifiziert oder freigegeben.",
    "report.reviews.more": "{count} frühere stehen in entries.jsonl.",
    "report.reviews.no-batch": "Das Paket ist nicht von einer Charge: was zu einer Prüfung entschieden wurde, steht "
    "im Paket der Charge.",
    "report.reviews.no-product": "keines genannt",
    "report.reviews.product": "Produkt",
    "report.reviews.risk": "Warum das kein Risiko ist",
    "report.reviews.scope": "Was weitergeht",
    "report.reviews.unsigned": "niemand, der sie nicht beantragt hat, hat sie unterschrieben: sie ist nicht in Kraft",
    "report.reviews.until": "Bis (UTC)",
    "report.sign.name": "Name",
    "report.sign.role": "Rolle",
    "report.sign.signature": "Unterschrift",
    "report.sign.when": "Datum",
    "report.signatures": "Unterschriften",
    "report.signatures.at": "Datum, Zeit, Zone",
    "report.signatures.card": "Ihre Schlüssel gehen auf den ersten Start von {origin} zurück; dessen Fingerabdruck "
    "steht auf einer Karte, die beide Gründer von Hand unterschrieben haben. Zum Vergleich:",
    "report.signatures.entry": "Eintrag",
    "report.signatures.fingerprint": "Fingerabdruck",
    "report.signatures.lead": "Elektronische Unterschriften über Aufzeichnungen dieses Pakets. Jede wurde geprüft, "
    "als das Paket entstand; wer das Paket hat, kann sie ohne Trailseal erneut prüfen. Tinte auf diesem Ausdruck "
    "gehört zu der elektronischen Unterschrift, deren Fingerabdruck sie nennt.",
    "report.signatures.meaning": "Bedeutung",
    "report.signatures.mode": "Geleistet mit",
    "report.signatures.none": "Keine elektronische Unterschrift nennt eine Aufzeichnung dieses Pakets.",
    "report.signatures.over": "Unterschrieben",
    "report.signatures.reason": "Grund",
    "report.signatures.rests": "Beruht auf",
    "report.signatures.rests.entries": "Die Schlüssel des Anbieters stehen in {keys}, die Verbindung von Konto und "
    "Person in {link}; beides ist in diesem Paket.",
    "report.signatures.signer": "Unterzeichner",
    "report.sources": "Die Quellen und ihr Werdegang",
    "report.sources.adds": "Hier hinzugefügt: {says}.",
    "report.sources.challenge": "Letzte Probeänderung: {outcome} (fällig {at}).",
    "report.sources.col.by": "Durch",
    "report.sources.col.entry": "Eintrag",
    "report.sources.col.event": "Was geschah",
    "report.sources.col.reason": "Grund",
    "report.sources.col.state": "Stand von da an",
    "report.sources.connected": "○ Angeschlossen; keine Person hat sie an einer Stichprobe validiert.",
    "report.sources.imported": "Alter Audit-Trail: {says}.",
    "report.sources.lacks": "Ihrem eigenen Trail fehlt: {says}.",
    "report.sources.lacks.none": "nichts, was hier bekannt ist",
    "report.sources.lead": "Was über jede Quelle festgehalten ist: eine Aufzeichnung, die gesammelt wurde, während "
    "ihre Quelle neu zu validieren war, ist in records.jsonl und records.csv gekennzeichnet. Ein Stand gilt von "
    "seinem Eintrag an; eine Änderung, die ein Lauf bemerkte, von dessen Aufzeichnungen an.",
    "report.sources.marked": "▲ {count} Aufzeichnungen hier wurden gesammelt, während sie neu zu validieren war.",
    "report.sources.more": "{count} frühere stehen in entries.jsonl.",
    "report.sources.open": "Bleibt offen: {says}.",
    "report.sources.sample": "Stichprobe von {count}: {entries}",
    "report.sources.statements": "Geltende Gleichwertigkeitserklärungen",
    "report.sources.statements.lead": "Vom Produkt aus Einstellung und Stand jeder Quelle erstellt, als dieses Paket "
    "entstand; unter dem Siegel des Pakets, und kein Eintrag des Logs.",
    "report.sources.unmarked": "Keine Aufzeichnung hier wurde gesammelt, während sie neu zu validieren war.",
    "report.verification.checkpoint": "Der Prüfpunkt, signiert mit dem Schlüssel des Logs:",
    "report.verification.lead": "Jede Aufzeichnung dieses Pakets wurde neu gelesen, ihr Inhalt an der Festlegung in "
    "ihrem Blatt geprüft und ihr Platz im Baum des Logs bewiesen, im selben Stand, in dem sie ausgewählt wurde (Stufe "
    "1 der Prüfung, für die benutzten Zeilen).",
}
