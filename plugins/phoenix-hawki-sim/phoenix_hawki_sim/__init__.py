"""Simulated nights of HAWKI with known truth, for the real recipes."""

from .errors import SimulationError
from .filters import FILTERS, Filter
from .scenario import (
    Category,
    Exposure,
    Fault,
    Kind,
    Master,
    ObservingBlock,
    Scenario,
    Setup,
    Target,
    darks,
    default_scenario,
    observing_block,
    twilight_flats,
    with_fault,
    without_darks,
    without_flat,
)
from .simulation import Observatory, simulate
from .sizes import SIZES, SMALL, TINY, Size
from .truth import read_truth, truth_of_block

__all__ = [
    "FILTERS",
    "SIZES",
    "SMALL",
    "TINY",
    "Category",
    "Exposure",
    "Fault",
    "Filter",
    "Kind",
    "Master",
    "Observatory",
    "ObservingBlock",
    "Scenario",
    "Setup",
    "SimulationError",
    "Size",
    "Target",
    "darks",
    "default_scenario",
    "observing_block",
    "read_truth",
    "simulate",
    "truth_of_block",
    "twilight_flats",
    "with_fault",
    "without_darks",
    "without_flat",
]
