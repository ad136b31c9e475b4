"""Frames in, charts out: a leaf that knows no application, database or request."""
