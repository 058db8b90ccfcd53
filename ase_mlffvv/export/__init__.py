"""Use of a potential in other programs."""
