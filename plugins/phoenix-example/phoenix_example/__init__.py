"""EXAMPLE, the smallest complete instrument: a camera of 32 x 32 pixels.

Darks and flats of a night calibrate its exposures, the exposures of a target (or of
an OB) are stacked. Each PGI is a module: copy the package, rename, replace.
"""
