"""Time entries, the server-side timer and approval."""
