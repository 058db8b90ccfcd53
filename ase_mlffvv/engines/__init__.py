"""Engines that evaluate a potential, and the choice of one."""
