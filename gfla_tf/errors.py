"""Errors that are the user's to mend: one clear sentence each."""


class InputError(ValueError):
    """Bad input: what was wrong, where (file, line, name) and what to do, in one sentence.

    The command line prints the sentence and exits with code 2; in Python it is an ordinary ValueError.
    """
