"""The demo: one believable agency, made through the commands imports and people use."""
