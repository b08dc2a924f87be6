"""FITS files: whole or not, and their headers edited in place."""
