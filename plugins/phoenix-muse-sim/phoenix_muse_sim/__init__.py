"""Simulated MUSE observations with known truth, for the real recipes."""

from .default_scenario import default_scenario
from .errors import SimulationError
from .scenario import (
    Exposure,
    Kind,
    ObservingBlock,
    Run,
    Scenario,
    Target,
    observing_block,
    select,
)
from .simulation import Observatory, simulate
from .sizes import IFU, SIZES, SMALL, TINY, Size
from .truth import read_truth, truth_of_target

__all__ = [
    "IFU",
    "SIZES",
    "SMALL",
    "TINY",
    "Exposure",
    "Kind",
    "Observatory",
    "ObservingBlock",
    "Run",
    "Scenario",
    "SimulationError",
    "Size",
    "Target",
    "default_scenario",
    "observing_block",
    "read_truth",
    "select",
    "simulate",
    "truth_of_target",
]
