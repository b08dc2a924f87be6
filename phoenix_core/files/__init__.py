"""Files: there whole or not at all, read with care, known by what they contain."""
