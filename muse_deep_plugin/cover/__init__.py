"""The cover sheet of a run: its deep datacubes beside what they were made from."""
