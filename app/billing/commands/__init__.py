"""The verbs of billing. None commits: each runs in the caller's unit of work or job step."""
