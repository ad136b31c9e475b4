"""The arithmetic of billing: pure functions of facts, standard library only.

Preview, issue and the worked examples of `flask billing cases` all run these same functions.
"""
