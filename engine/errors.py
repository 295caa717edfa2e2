"""The errors that a person reads: each message is one sentence saying what, why and what to do."""


class UserError(Exception):
    """Something that the person can mend. Its text is shown as it is, without a traceback."""


class UsageError(UserError):
    """The call itself was wrong (unknown option, impossible value): exit status 2."""


class ImageError(UserError):
    """A picture that cannot be read, or must not be."""


class DataError(UserError):
    """A data set that cannot be used."""


class CheckpointError(UserError):
    """A checkpoint that is broken, foreign, unsafe, or of another model."""


class RunError(UserError):
    """A run directory that cannot be created, read, written or resumed."""


class Unsupported(UserError):
    """An ability that this family does not have (see `Abilities`)."""


class Cancelled(Exception):
    """Raised by `Progress.check` in work that was asked to stop: a request honoured, not an error."""
