"""The argparse parser of all commands, which suggests the nearest name for a misspelled one."""

import argparse
import difflib
import sys


class Parser(argparse.ArgumentParser):
    """An `ArgumentParser` that suggests the nearest name for a misspelled command, choice or option."""

    def parse_known_args(self, args=None, namespace=None):
        """Parses as `ArgumentParser` does; stores the arguments for `error`."""
        self._words = list(sys.argv[1:] if args is None else args)
        return super().parse_known_args(args, namespace)

    def error(self, message):
        """Prints the usage and the message and exits with 2.

        A misspelled option is reported as unrecognized even if argparse would report a missing argument.
        """
        unknown = self.unknown_options(self._words) if "arguments are required" in message else []
        super().error(self.describe_unknown(unknown) if unknown else message)

    def unknown_options(self, words):
        """Returns the options in `words` that neither are nor abbreviate an option of this parser."""
        known = self._option_string_actions
        names = [word.partition("=")[0] for word in words if word.startswith("--") and word != "--"]
        return [name for name in names if not any(option.startswith(name) for option in known)]

    def describe_unknown(self, words):
        """Returns the error message for unknown arguments, with the nearest option for each."""
        known = self._option_string_actions
        shown = [f"{word}{did_you_mean(word.partition('=')[0], known)}" for word in words]
        return f"unrecognized arguments: {' '.join(shown)}"

    def _check_value(self, action, value):
        if action.choices is not None and value not in action.choices:
            choices = ", ".join(map(str, action.choices))
            hint = did_you_mean(str(value), map(str, action.choices))
            raise argparse.ArgumentError(action, f"invalid choice: {value!r}{hint}; choose from {choices}")


def did_you_mean(word, known):
    """Returns ` (did you mean ...?)` with the most similar known name, or "" if none is similar."""
    near = difflib.get_close_matches(word, list(known), n=1)
    return f" (did you mean {near[0]}?)" if near else ""
