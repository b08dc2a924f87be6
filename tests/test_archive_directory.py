"""archive_directory: what it has, it keeps; what it cannot keep whole, it has not."""

from phoenix_core.testing import ArchiveContract


class TestArchiveDirectory(ArchiveContract):
    pgi = "archive_directory"
