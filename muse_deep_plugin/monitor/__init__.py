"""What MUSE_DEEP adds to the monitors: its runs, and how deep its datacubes are."""
