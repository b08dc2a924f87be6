"""What the simulator refuses to do, in one line for the user."""


class SimulationError(Exception):
    """A request that cannot be simulated, or a place that must not be written to."""
