"""The one exception that speaks to users."""


class GolgiError(Exception):
    """Something in the study, its data or its models is wrong; the message says what, in their words.

    A command or a job shows the message alone, without a traceback, and exits with status 1.
    """
