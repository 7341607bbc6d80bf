"""What a log knows that the checks go by: read in bulk for many records, in one snapshot, as of a size."""
