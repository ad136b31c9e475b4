"""Import batches, rows and undo; knows no domain."""
