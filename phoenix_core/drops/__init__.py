"""Exposures dropped from ABs by a person, and taken back."""
