"""Records: what was said or done in a run, a line each, and the database of it."""
