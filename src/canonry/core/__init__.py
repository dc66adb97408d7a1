"""Plain Python that everything else may use: errors, settings, access, ids, clock, secrets, paths. Imports nothing of ours."""
