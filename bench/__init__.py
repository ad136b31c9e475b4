"""Figures with their physical limit beside them: `make bench`, or `make bench B="issue pdf"`.

Every row is a ratio to plain SQL (or to CPU time) measured in the same run, so that a slow or busy
machine changes both sides. Nothing here is a test; what noise cannot touch is in tests/.
"""
