"""Monitors: the history of runs or nights, and what is waiting for whom."""
