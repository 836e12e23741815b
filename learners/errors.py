"""Errors that are the user's to mend; the command line prints them as one line."""

from __future__ import annotations


class InputError(ValueError):
    """Bad input: the message names the file or key, the value and what is allowed (exit code 2)."""


class OutputError(OSError):
    """The output cannot be written where it was asked for (exit code 4)."""
