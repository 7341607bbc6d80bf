"""ALCOA+ and Traceable as checks on stored records: pass, fail, or not assessable with what is missing."""
