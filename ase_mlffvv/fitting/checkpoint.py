"""The checkpoint of a fit: the terms selected so far."""

from __future__ import annotations

import logging
from dataclasses import fields
from pathlib import Path

from ..errors import CheckpointError
from ..io.checkpoint import load_checkpoint, save_checkpoint
from ..io.identity import differences, plain
from ..model.terms import ElementBlock

log = logging.getLogger(__name__)
KIND = 'fit'
_FIELDS = tuple(field.name for field in fields(ElementBlock))


class FitCheckpoint:
    """A file that is written after each round of selection, and removed when the fit is finished.

    A file that is not the checkpoint of this same fit is neither replaced nor removed.

    Parameters
    ----------
    path : path, optional
        If None, no checkpoints are written.
    settings : dict, optional
        Settings of the fit, for JSON. Errors list those that differ from the settings in the file.
    fingerprint : str, optional
        Digest of the settings and the training data.
    """

    def __init__(self, path=None, settings=None, fingerprint=''):
        self.path = None if path is None else Path(path)
        self.settings, self.fingerprint = plain(settings or {}), fingerprint

    def resume(self, blocks, notes):
        """Blocks of the checkpoint, or the given ones if there is no checkpoint.

        Raises
        ------
        CheckpointError
            The file is damaged, is not a checkpoint, or is the checkpoint of another fit.
        """
        saved = check_checkpoint(self.path)
        if saved is None:
            return blocks
        arrays, data = saved
        if data.get('fingerprint') != self.fingerprint:
            changes = (
                '; '.join(differences(data.get('settings', {}), self.settings)) or 'the training data have changed'
            )
            raise CheckpointError(
                f"'{self.path}' is the checkpoint of another fit ({changes}). To continue that one, give its data and "
                'settings; to begin this one, remove the file or give another name.'
            )
        names = range(data['elements'])
        blocks = tuple(ElementBlock(**{name: arrays[f'{t}.{name}'] for name in _FIELDS}) for t in names)
        notes.append(f'resumed with {sum(len(b.terms) for b in blocks)} terms from {self.path}')
        return blocks

    def save(self, blocks):
        """Replace the checkpoint.

        Raises
        ------
        CheckpointError
            A file that is not of this fit has appeared under its name.
        """
        if self.path is not None:
            if not self._is_own():
                raise CheckpointError(
                    f"'{self.path}' was written by another program while this fit was running, so that its checkpoint "
                    'cannot be written. Give another name for the checkpoint.'
                )
            arrays = {f'{t}.{name}': getattr(block, name) for t, block in enumerate(blocks) for name in _FIELDS}
            data = {'settings': self.settings, 'fingerprint': self.fingerprint, 'elements': len(blocks)}
            save_checkpoint(self.path, KIND, arrays, data)

    def remove(self):
        """Remove the checkpoint at the end of the fit; a file that is not of this fit is kept, with a warning."""
        if self.path is not None and self.path.exists():
            if self._is_own():
                self.path.unlink()
            else:
                log.warning("'%s' is not the checkpoint of this fit and is kept", self.path)

    def _is_own(self):
        """Whether the file is absent or the checkpoint of this fit."""
        try:
            saved = check_checkpoint(self.path)
        except CheckpointError:
            return False
        return saved is None or saved[1].get('fingerprint') == self.fingerprint


def check_checkpoint(path):
    """Content of the checkpoint of a fit, as returned by :func:`.load_checkpoint`; None if there is no file.

    Raises
    ------
    CheckpointError
        The file is damaged or is not a checkpoint.
    """
    return None if path is None or not Path(path).exists() else load_checkpoint(path, KIND)
