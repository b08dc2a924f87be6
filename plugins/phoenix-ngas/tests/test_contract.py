"""archive_ngas keeps what every archive promises."""

import pytest

from phoenix_core.testing import ArchiveContract


class TestArchiveNgas(ArchiveContract):
    pgi = "archive_ngas"

    @pytest.fixture(autouse=True)
    def in_a_server(self, server, monkeypatch):
        for variable in ("NGAS_USER", "NGAS_PASSWORD"):
            monkeypatch.delenv(variable, raising=False)
        self.options = {"url": server.url, "pause": 0.01}
