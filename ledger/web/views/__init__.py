"""One module a page: reads what it shows into a frozen struct, with no HTTP in sight."""
