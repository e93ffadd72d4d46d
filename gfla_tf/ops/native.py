"""Finds the compiled operators, says why they are not there, and chooses an implementation."""

from gfla_tf.ops import checks


class NativeUnavailableError(RuntimeError):
    """impl="native" was asked for, and the compiled operators cannot run; the message says why."""


def native_available():
    """Whether the compiled operators can run in this process."""
    return unavailable_reason() is None


def unavailable_reason():
    """Why the compiled operators cannot run, as a sentence; None where they can."""
    return "this release has no compiled operators, only the TensorFlow ones"


def choose(operator, impl):
    """Resolves impl="auto" | "native" | "tf" for an operator to "native" or "tf".

    Raises:
      ValueError: another name.
      NativeUnavailableError: "native" where it cannot run.
    """
    checks.implementation(impl)
    if impl == "tf":
        return "tf"
    reason = unavailable_reason()
    if reason is None:
        return "native"
    if impl == "native":
        raise NativeUnavailableError(f'{operator}(impl="native") cannot run: {reason}; use impl="tf"')
    return "tf"
