"""The sections of the report, one file each: from the facts of a data set to what is drawn."""
