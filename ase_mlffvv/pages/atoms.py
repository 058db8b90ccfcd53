"""Frames of atoms for the view in a page: positions and arrays as compact numbers, and how arrays become colours."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from typing import Any

    from ase import Atoms


BUDGET = 8_000_000  # bytes of atoms in a page, before base64 makes a third more of them
RADIUS = 1.45  # Å
STEPS = 2**16 - 2  # of a scale; the largest 16-bit number stands for no value


@dataclass(frozen=True)
class Colour:
    """How an array of integers or numbers becomes colours.

    Parameters
    ----------
    name : str
        Name of the array.
    label : str
        Quantity and unit.
    colours : dict, optional
        Colour (r, g, b from 0 to 1) and name of each integer: ``{0: ((1, 0, 0), 'surface')}``. Without it, the array is
        drawn on a continuous scale.
    cmap : str
        Name of a matplotlib colour map.
    limits : (float, float), optional
        Ends of the scale; by default, the 2 % and 98 % quantiles of all frames.
    """

    name: str
    label: str
    colours: Mapping[int, tuple] | None = None
    cmap: str = 'viridis'
    limits: tuple[float, float] | None = None


@dataclass(frozen=True)
class AtomsView:
    """Frames to look at in a page.

    Attributes
    ----------
    header : dict
        What the script of the page needs to know: sizes, names, colours, limits.
    data : bytes
        Positions and arrays of all frames.
    """

    header: dict
    data: bytes

    @property
    def shown(self) -> int:
        """Number of atoms in each frame."""
        return self.header['n']

    @property
    def json(self) -> str:
        return json.dumps(self.header, allow_nan=False).replace('<', '\\u003c')

    @property
    def base64(self) -> str:
        return base64.b64encode(self.data).decode()


def atoms_view(
    frames: Sequence[Atoms], labels: Sequence[str], colours: Sequence[Colour], *,
    times: Sequence[float] | None = None, radius: float = RADIUS, budget: int = BUDGET,
) -> AtomsView:  # fmt: skip
    """Prepare frames of the same atoms for a page.

    Parameters
    ----------
    frames : sequence of Atoms
    labels : sequence of str
        Text of each frame beside the slider.
    colours : sequence of Colour
        Arrays to colour by, the first at the beginning; those that a frame lacks are left out.
    times : sequence of float, optional
        Times of the frames, which link the slider to charts.
    radius : float, Å
    budget : int
        Largest number of bytes. Of larger systems, every second, third, ... atom is shown, as :attr:`.AtomsView.shown`
        tells.

    Raises
    ------
    ValueError
        There are no frames, their numbers of atoms differ, or positions are not finite.
    """
    counts = sorted({len(atoms) for atoms in frames})
    if len(counts) != 1 or counts[0] == 0 or len(labels) != len(frames):
        raise ValueError(f'expected frames of equally many atoms and a label for each, got {counts} atoms and '
                         f'{len(labels)} labels')  # fmt: skip
    colours = [c for c in colours if all(c.name in atoms.arrays for atoms in frames)]
    size = len(frames) * (6 + sum(1 if c.colours else 2 for c in colours))
    step = max(1, -(-counts[0] * size // budget))
    positions = np.array([atoms.positions[::step] for atoms in frames])
    if not np.isfinite(positions).all():
        raise ValueError('positions must be finite numbers')
    low, high = positions.min(axis=(0, 1)), positions.max(axis=(0, 1))
    scale = np.maximum(high - low, 1e-3) / (STEPS + 1)
    parts = [np.rint((positions - low) / scale).astype('<u2')]
    described = []
    for colour in colours:
        entry, numbers = _encode(colour, np.array([atoms.arrays[colour.name][::step] for atoms in frames]))
        described.append(entry)
        parts.append(numbers)
    header: dict[str, Any] = {
        'n': positions.shape[1], 'total': counts[0], 'labels': list(labels), 'radius': radius,
        'times': None if times is None else [float(t) for t in times],
        'low': low.tolist(), 'scale': scale.tolist(), 'arrays': described,
    }  # fmt: skip
    order = sorted(range(len(parts)), key=lambda k: -parts[k].itemsize)  # 16-bit numbers first, so that all are aligned
    header['order'] = order
    return AtomsView(header, b''.join(parts[k].tobytes() for k in order))


def _encode(colour, values):
    """Description of an array for the page, and its numbers, shape (n_frames, n)."""
    if colour.colours is not None:
        entry = {'name': colour.name, 'label': colour.label, 'values': {}}
        for number, (rgb, name) in colour.colours.items():
            entry['values'][int(number) & 255] = [[round(255 * c) for c in rgb], name]
        present = set((values.astype(int) & 255).ravel().tolist())
        entry['values'] = {k: v for k, v in entry['values'].items() if k in present}
        return entry, (values.astype(int) & 255).astype(np.uint8)
    import matplotlib

    values = np.asarray(values, float)
    known = np.isfinite(values)
    low, high = (float(values[known].min()), float(values[known].max())) if known.any() else (0.0, 1.0)
    limits = colour.limits
    if limits is None:
        limits = tuple(np.quantile(values[known], [0.02, 0.98]).tolist()) if known.any() else (0.0, 1.0)
    limits = limits if limits[1] > limits[0] else (limits[0], limits[0] + 1.0)
    step = max(high - low, 1e-12) / STEPS
    table = np.rint(255 * matplotlib.colormaps[colour.cmap](np.linspace(0, 1, 64))[:, :3]).astype(int)
    entry = {'name': colour.name, 'label': colour.label, 'low': low, 'step': step, 'limits': list(limits),
             'table': table.tolist()}  # fmt: skip
    return entry, np.where(known, np.rint((np.where(known, values, low) - low) / step), STEPS + 1).astype('<u2')
