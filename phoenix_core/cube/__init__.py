"""Cubes in FITS files, measured plane by plane in little memory.

No instrument is known here: a cube is planes by rows by columns, with a signal and,
mostly, its variance beside it.
"""
