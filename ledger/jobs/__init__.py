"""The frame of long-running jobs: row, lease, cursor, progress, cancel, leader lock, schedules. What jobs do lives with
their domains."""
