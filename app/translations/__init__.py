"""What clients read in other languages: one catalogue a language, and how they are kept up.

`make words` writes new texts of the code into every catalogue and says what is still to be done.
"""
