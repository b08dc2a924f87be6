"""The archive of phoenix in NGAS, ESO's archive system, over its HTTP interface."""
