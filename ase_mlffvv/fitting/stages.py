"""Stages of a fit: each with a progress bar, its time, and lines in the log."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from time import perf_counter

from tqdm import tqdm

log = logging.getLogger(__name__)


class Stages:
    """Times the stages of a fit and reports each.

    Parameters
    ----------
    progress : bool
        Show a progress bar for each stage.

    Attributes
    ----------
    seconds : dict
        By name of the stages that are complete.
    notes : list of str
        Decisions taken; those that a stage adds go to the log when it ends.
    """

    def __init__(self, progress=True):
        self.progress = progress
        self.seconds = {}
        self.notes = []

    @contextmanager
    def __call__(self, name, total):
        """Run a stage of ``total`` steps; gives the function to call after each step."""
        start, known = perf_counter(), len(self.notes)
        with tqdm(total=total, desc=name, unit='frame', disable=not self.progress, smoothing=0.05) as bar:
            yield bar.update
            bar.update(max(total - bar.n, 0))
        self.seconds[name] = perf_counter() - start
        for note in self.notes[known:]:
            log.info(note)
        log.info('%s: %.1f s', name, self.seconds[name])
