"""Polls and compares: records of what changed in a source that keeps no trail, between two looks at it.

A driver says what it found (`look`) and what a state means (`record.Shown`); `collector` is its base class, `memory`
what one look leaves for the next, `differences` what lies between them, `original` how a difference is written down.

What such records can and cannot say, whatever the driver:

- each gives old and new value with the *interval* in which the change lies: from the beginning of the look that last
  read the object to the end of the one that found it changed. Not a moment, unless the source keeps one of its own;
- who changed it is unknown: account null, kind unknown;
- a change that is undone between two looks is invisible, and of several only the first old and the last new value are
  known. Where an object counts its own changes, `gap` marks that there were more;
- the first look is the *baseline*: with `each`, one record (action read, by a service: the collector) an object, which
  gives its state a place in the log; with `one`, a single record that names the count of objects and the SHA-256 of the
  snapshot, which the run keeps in the vault.
"""
