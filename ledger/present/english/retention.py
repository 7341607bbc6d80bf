"""Words of retention: rules and facts, legal holds, disposals."""

MESSAGES = {
    "entry.legal-hold.holds": "{authority_actor} put log {log} on hold ({hold}); reason: {reason}",
    "entry.legal-hold.fails": "{authority_actor} released hold {hold} of log {log}; reason: {reason}",
    "entry.retention-rule.proposed": "{authority_actor} proposed a rule of retention for class {retention}; reason: "
    "{reason}",
    "entry.retention-rule.confirmed": "{authority_actor} confirmed a rule of retention for class {retention}; reason: "
    "{reason}",
    "entry.retention-fact": "{authority_actor} entered {event} of {subject_kind} {subject_id}; reason: {reason}",
    "entry.disposal.requested": "{authority_actor} asks to dispose of {total} records of log {log}; reason: {reason}",
    "entry.disposal.approved": "{authority_actor} approved the disposal of {total} records of log {log}; reason: "
    "{reason}",
    "entry.disposal.disposed": "Records of log {log} were disposed of, as {authority_actor} had it done ({disposal}); "
    "reason: {reason}",
    "entry.disposal.withdrawn": "{authority_actor} ended the disposal {disposal} of records of log {log}; reason: "
    "{reason}",
}
