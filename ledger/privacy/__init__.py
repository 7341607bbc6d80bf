"""Privacy: who looked for whom and what for, personal values that are erased, and what is evaluated of persons."""
