<<<<<<< HEAD
"""Import batches, rows and undo; knows no domain."""
=======
"""Bringing files in: what they are, what their columns mean, batches, rows, undo.

Knows no domain: each domain brings its own importer.
"""
>>>>>>> 9c7f130 (imports: Read foreign files: dialect, headers, values.)
