"""Entry points of background jobs; thin: each calls commands of the domains."""
