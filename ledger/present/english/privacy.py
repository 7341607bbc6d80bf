"""Words of privacy: searches for persons, erasures, and what is evaluated of persons."""

MESSAGES = {
    "entry.look-up.searched": "{account} searched {log} for a person ({by}), for {purpose}, and was answered {count} "
    "records",
    "entry.look-up.opened": "{account} opened a purpose, {purpose}, for “{context}” until {expires_at}",
    "entry.look-up.closed": "{account} closed a purpose, {purpose}, for “{context}”",
    "entry.erasure.requested": "{authority_actor} asks to erase {member} of {target} ({ground}); reason: {reason}",
    "entry.erasure.refused": "{member} of {target} is not erased: {answer}",
    "entry.erasure.approved": "{authority_actor} approved the erasure of {member} of {target}; reason: {reason}",
    "entry.erasure.erased": "{member} of {target} was erased, with what held it: {rows} rows of the vault",
    "entry.legal-hold.holds": "{authority_actor} put log {log} on hold ({hold}); reason: {reason}",
    "entry.legal-hold.fails": "{authority_actor} lifted hold {hold} of log {log}; reason: {reason}",
    "erasure.answer.performer": "The name stands for who performed an action of a GMP record. By law it stays readable "
    "until {until}, as long as the record is kept (Regulation (EU) 2016/679 Article 17(3)(b); EudraLex volume 4, "
    "chapter 4 and annex 11; 21 CFR 11.10(e)).",
    "erasure.answer.signatory": "The name belongs to somebody who could sign, review or approve GMP records. By law a "
    "signature shows the printed name as long as the records are kept (Regulation (EU) 2016/679 Article 17(3)(b); 21 "
    "CFR 11.50).",
    "erasure.answer.retention": "The value stands in a record that by law is kept until {until}, or in an original of "
    "such a record (Regulation (EU) 2016/679 Article 17(3)(b); EudraLex volume 4, chapter 4).",
    "erasure.answer.hold": "The record is under the legal hold {hold}: it is kept for the establishment, exercise or "
    "defence of legal claims (Regulation (EU) 2016/679 Article 17(3)(e)).",
    "erasure.answer.in-use": "The account is in use, and the value is needed for it (Regulation (EU) 2016/679 Article "
    "17(1)(a) does not apply). It can be erased once the account is deactivated.",
    "erasure.answer.own-trail": "The value is part of the audit trail of the system itself, which by law is kept with "
    "the records (Regulation (EU) 2016/679 Article 17(3)(b); 21 CFR 11.10(e)).",
    "evaluation.last-use.rule": "When an account last signed in or used a token",
    "evaluation.last-use.data": "Entries of sessions and uses of tokens",
    "evaluation.last-use.purpose": "Rights that nobody uses any more are found and withdrawn (21 CFR 11.300(b), draft "
    "Annex 11 §11.11)",
    "evaluation.last-use.seen_by": "Who administers accounts, and who reviews access",
    "evaluation.last-use.without": "Lists of accounts and access reviews show no last use",
    "evaluation.lock-alert.rule": "So many refused components in a row lock an account, and those responsible are told",
    "evaluation.lock-alert.data": "Entries of refused components of that account",
    "evaluation.lock-alert.purpose": "Attempts to get in are noticed at once (21 CFR 11.300(d))",
    "evaluation.lock-alert.seen_by": "The accounts that the profile names, else the security officers",
    "evaluation.lock-alert.without": "Accounts are locked all the same, and nobody is told",
    "evaluation.look-up-report.rule": "Who searched for which person, what for, and when",
    "evaluation.look-up-report.data": "Entries of searches for persons",
    "evaluation.look-up-report.purpose": "Searches for persons without a good reason are found",
    "evaluation.look-up-report.seen_by": "Who administers accounts; each person, of searches for their own account",
    "evaluation.look-up-report.without": "Searches are entered all the same, and no report is given",
    "evaluation.inspector-views.rule": "What an inspector's account was shown, address by address",
    "evaluation.inspector-views.data": "Entries of views and exports by inspectors' accounts",
    "evaluation.inspector-views.purpose": "The site can say what an inspection was given",
    "evaluation.inspector-views.seen_by": "Who administers accounts",
    "evaluation.inspector-views.without": "Views are entered all the same, and no report is given",
    "look-up.erased": "erased",
    "purpose.review": "Audit trail review",
    "purpose.investigation": "Investigation",
    "purpose.inspection": "Inspection or audit",
    "purpose.security": "Misuse of an account",
    "purpose.access-review": "Access review",
    "purpose.own-request": "Request of the person",
}
