"""What plays the scenarios: reading them, a world to play them in, the operations."""


class Mistake(Exception):
    """A line that is not answered as expected, or cannot be played."""
