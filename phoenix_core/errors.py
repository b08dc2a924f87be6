"""Errors: one line for the person, an exit code for the script."""


class PhoenixError(Exception):
    """Something a person can mend; the message is one line and says how."""

    exit_code = 1


class ConfigError(PhoenixError):
    """The configuration, an AB or the command line is not as it has to be."""

    exit_code = 2


class PgiError(PhoenixError):
    """A plug-in cannot be loaded, fails, or answers what its slot does not allow."""

    exit_code = 3


class ProcessingError(PhoenixError):
    """A recipe or a processing step failed, or a run is busy."""

    exit_code = 4


class CertificationError(PhoenixError):
    """A verdict is missing, wrong, or for something nobody has seen."""

    exit_code = 5


class IngestionError(PhoenixError):
    """A product could not be converted or archived."""

    exit_code = 6


class ArchiveAwayError(IngestionError):
    """The archive cannot be reached, or takes nothing for now, whatever it is given."""


class ArchiveConflictError(IngestionError):
    """A name has another content in the archive; nothing there is overwritten."""
