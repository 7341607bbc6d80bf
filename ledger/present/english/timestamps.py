"""Words about time-stamps."""

MESSAGES = {
    "entry.timestamp-authority.proposed": "{authority_actor} proposed {tsa} ({url}) as a time-stamp authority; a "
    "second administrator has to confirm it. Reason: {reason}",
    "entry.timestamp-authority.confirmed": "{authority_actor} confirmed {tsa} as a time-stamp authority: {reason}",
    "entry.timestamp-authority.withdrawn": "{authority_actor} withdrew {tsa}: it is not asked for time-stamps any "
    "more; those that it made stay as they are. Reason: {reason}",
    "entry.timestamp": "{tsa} says that the checkpoint of {origin} at size {size} existed at {gen_time}",
    "entry.timestamp-renewal": "{tsa} says that {count} earlier time-stamps, all before entry {high}, existed at "
    "{gen_time}",
    "stamp.existed": "Existed by",
    "stamp.by": "time-stamp of {tsa}, over the checkpoint of size {size}",
    "stamp.late": "It had waited for that longer than the authority's schedule lets it: that it existed before is this "
    "ledger's word alone.",
    "stamp.none": "No time-stamp authority has dated it yet.",
    "stamp.not-proven": "Not proven by this: that the authority's clock was right, or that what the source said was.",
    "home.stamped": "time-stamped up to entry {index} by {tsa}, at",
    "home.stamped.none": "not time-stamped: no authority of time has dated it",
    "home.stamped.wrong": "its newest time-stamp does not hold: run a verification",
    "home.stamp.outage": "Time-stamp authority {tsa} has not answered since {since}: {error}",
    "doctor.stamps.none": "no time-stamp authority is asked: when entries were made is this ledger's word alone",
    "doctor.stamps.one": "only {tsa} is asked for time-stamps; two that do not depend on each other are better",
    "doctor.stamps.good": "{count} authorities are asked for time-stamps; the last came at {last}",
    "doctor.stamps.failing": "{tsa} has not answered since {since}: {error}",
    "doctor.stamps.ends": "a certificate pinned of {tsa} ends on {day}",
}
