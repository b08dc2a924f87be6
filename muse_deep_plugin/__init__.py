"""MUSE_DEEP: deep datacubes out of all exposures of a target, with the MUSE recipes."""

__version__ = "0.1.0"
