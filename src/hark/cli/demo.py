"""`hark demo`."""


def demo() -> None:
    """Show the main job."""
