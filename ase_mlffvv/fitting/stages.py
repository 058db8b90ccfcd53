"""Stages of a fit: each with a progress bar, its time, and lines in the log."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from time import perf_counter

from tqdm.auto import tqdm

log = logging.getLogger(__name__)


class Stages:
    """Measures the times of the stages of a fit, and reports each stage.

    Parameters
    ----------
    progress : bool
        Show a progress bar for each stage.

    Attributes
    ----------
    seconds : dict
        Durations of completed stages by name.
    notes : list of str
        Descriptions of decisions. Those added by a stage are written to the log when it ends.
    """

    def __init__(self, progress=True):
        self.progress = progress
        self.seconds = {}
        self.notes = []

    @contextmanager
    def __call__(self, name, total):
        """Context of a stage of ``total`` steps; it provides the function to be called after each step."""
        start, known = perf_counter(), len(self.notes)
        with tqdm(total=total, desc=name, unit='frame', disable=not self.progress, smoothing=0.05) as bar:
            yield bar.update
            bar.update(max(total - bar.n, 0))
        self.seconds[name] = perf_counter() - start
        for note in self.notes[known:]:
            log.info(note)
        log.info('%s: %.1f s', name, self.seconds[name])
