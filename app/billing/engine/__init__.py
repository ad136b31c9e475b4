"""The arithmetic of billing: pure functions of facts, of the standard library and msgspec only.

Preview, issue and the worked examples of `flask billing cases` all run these same functions.
"""
