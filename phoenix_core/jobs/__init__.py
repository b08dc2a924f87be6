"""Jobs: what is due, what it will take, and the batch queue of this machine."""
