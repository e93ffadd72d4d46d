"""The error class for invalid input."""


class InputError(ValueError):
    """Invalid input. The message is one sentence: the problem, its file, line or name, and how to fix it.

    The command line prints the message and exits with code 2.
    """
