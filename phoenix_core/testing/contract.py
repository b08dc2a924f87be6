"""What all contracts share: one PGI, loaded into one slot as a run would load it."""

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from attrs import evolve

from phoenix_core import hookspecs
from phoenix_core.loader.pgis import Pgis, load
from phoenix_core.model import Run
from phoenix_core.slots import slot_of


class Contract:
    """A PGI by its installed name, and its options."""

    pgi: ClassVar[str]
    options: ClassVar[Mapping[str, object]] = {}
    hook: ClassVar[str]

    def loaded(self, run: Run) -> tuple[Run, Pgis]:
        """Return the run with the PGI in its slot, and the PGI loaded."""
        slot = slot_of(self.hook)
        options = {**run.config.options, self.pgi: self.options}
        if not self.options:
            del options[self.pgi]
        config = evolve(run.config, slots={slot.name: (self.pgi,)}, options=options)
        return evolve(run, config=config), load(config, [slot])

    def test_it_fills_its_slot(self, run: Run) -> None:
        """It is installed under its name and answers the hook of the slot."""
        _, pgis = self.loaded(run)
        assert pgis.names(getattr(hookspecs, self.hook)) == (self.pgi,)


def files_below(directory: Path) -> dict[Path, bytes]:
    """Read all files below a directory, to see later what was touched."""
    return {p: p.read_bytes() for p in sorted(directory.rglob("*")) if p.is_file()}
