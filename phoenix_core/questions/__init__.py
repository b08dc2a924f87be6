"""What people ask of a run: what became of each AB, and why."""
