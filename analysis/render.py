"""Images of structures rendered by OVITO, without a display."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .colours import rgb
from .structure import to_ovito

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ase import Atoms
    from numpy.typing import ArrayLike


VIEWS = {'side': (-1.0, 1.0, -0.25), 'front': (0.0, 1.0, -0.12), 'top': (0.0, 0.0, -1.0),
         'along 1-10': (-1.0, 1.0, 0.0)}  # fmt: skip
RADIUS = 1.45  # Å


class RenderingUnavailable(RuntimeError):
    """OVITO cannot draw on this machine; the message gives the reason."""


@dataclass(frozen=True)
class Camera:
    """Camera with parallel projection.

    Attributes
    ----------
    direction : tuple of float
        Direction of view.
    centre : tuple of float, Å
        Point in the middle of the image.
    height : float, Å
        Half of the height of the image.
    """

    direction: tuple
    centre: tuple
    height: float


def camera(atoms: Atoms, view: str | Sequence[float] = 'side', aspect: float = 1.0, margin: float = 1.05) -> Camera:
    """Camera that shows a whole structure; use the same camera for all frames of a movie.

    Parameters
    ----------
    atoms : Atoms
    view : str or sequence of 3 floats
        A key of ``VIEWS``, or the direction of view.
    aspect : float
        Ratio of the width to the height of the image.
    margin : float
        Factor by which the visible region is larger than the structure.
    """
    if isinstance(view, str) and view not in VIEWS:
        raise ValueError(f'view must be one of {", ".join(VIEWS)} or a direction, got {view!r}')
    direction = np.array(VIEWS[view] if isinstance(view, str) else view, float)
    direction /= np.linalg.norm(direction)
    right, up = axes_of(direction)
    x, y = atoms.positions @ right, atoms.positions @ up
    middle = [(v.min() + v.max()) / 2 for v in (x, y, atoms.positions @ direction)]
    centre = middle[0] * right + middle[1] * up + middle[2] * direction
    height = margin * max(np.ptp(y) / 2 + RADIUS, (np.ptp(x) / 2 + RADIUS) / aspect)
    return Camera(tuple(direction.tolist()), tuple(centre.tolist()), float(height))


def axes_of(direction: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Unit vectors to the right and upwards in an image with this direction of view; z points up if possible."""
    right = np.cross(direction, [0, 0, 1.0])
    if np.linalg.norm(right) < 1e-6:
        right = np.array([1.0, 0, 0])
    right = right / np.linalg.norm(right)
    return right, np.cross(right, direction)


def cut(atoms: Atoms, point: ArrayLike, normal: ArrayLike) -> Atoms:
    """Atoms on one side of a plane, such as half of a column or the atoms on one side of a grain boundary.

    Parameters
    ----------
    atoms : Atoms
    point, normal : array_like, shape (3,)
        A point on the plane, and its normal, which points to the side that is removed.
    """
    return atoms[(atoms.positions - np.asarray(point)) @ np.asarray(normal, float) <= 1e-9]


@contextmanager
def _quiet():
    """Keep what a library writes to the error stream of the process away from the terminal.

    Without a driver, OVITO's renderer prints four lines there; the error that it raises says the same.
    """
    with suppress(AttributeError, ValueError, OSError):
        sys.stderr.flush()
    try:
        saved = os.dup(2)
    except OSError:  # the process has no error stream
        yield
        return
    try:
        with open(os.devnull, 'wb') as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)


@lru_cache
def available() -> str | None:
    """None if OVITO can draw on this machine, otherwise the reason why it cannot."""
    from ase import Atoms

    from .extras import need

    try:
        need('ovito')
        with _quiet():
            _draw(Atoms('Li'), np.ones((1, 3)), Camera((0, 1, 0), (0, 0, 0), 2.0), None, (8, 8), False)
    except (ImportError, RuntimeError) as error:
        return str(error).strip().splitlines()[0]
    return None


def render(
    atoms: Atoms,
    path: str | Path,
    colour: str = 'phase',
    *,
    view: str | Sequence[float] | Camera = 'side',
    size: tuple[int, int] = (800, 800),
    limits: tuple[float, float] | None = None,
    fine: bool = False,
) -> None:
    """Draw a structure with OVITO.

    Parameters
    ----------
    atoms : Atoms
        Structure with the array to colour by, for example from :meth:`mlffvv_analysis.frame.Frame.coloured`.
    path : path
        PNG file to write.
    colour : str
        Name of the array: phase, grain, class, coordination, local_energy, displacement, or any other.
    view : str, direction or Camera
    size : (int, int)
        Width and height in pixels.
    limits : (float, float), optional
        Limits of a continuous scale.
    fine : bool
        Render with ambient occlusion, which is about ten times slower.

    Raises
    ------
    RenderingUnavailable
        If OVITO or a Vulkan driver is missing. OVITO 3.16 and later need a Vulkan driver for any image; a software
        driver is enough (Debian: ``apt-get install libvulkan1 mesa-vulkan-drivers``).
    """
    if colour not in atoms.arrays:
        raise ValueError(f"the structure has no array '{colour}'; its arrays are {', '.join(sorted(atoms.arrays))}")
    if reason := available():
        raise RenderingUnavailable(
            f'OVITO cannot draw here: {reason} A software driver is enough (Debian: apt-get install libvulkan1 '
            'mesa-vulkan-drivers); mlffvv_analysis.plots.draw_atoms draws without OVITO.'
        )
    view = view if isinstance(view, Camera) else camera(atoms, view, size[0] / size[1])
    _draw(atoms, rgb(colour, atoms.arrays[colour], limits), view, path, size, fine)


def movie(
    frames: Iterable[Atoms],
    folder: str | Path,
    colour: str = 'phase',
    *,
    view: str | Sequence[float] | Camera = 'side',
    size: tuple[int, int] = (800, 800),
    limits: tuple[float, float] | None = None,
) -> list[Path]:
    """Draw the frames of a movie to the files ``0000.png``, ``0001.png``, ... with the same camera.

    Parameters
    ----------
    frames : iterable of Atoms
    folder : path

    Returns
    -------
    list of Path
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    out = []
    for k, atoms in enumerate(frames):
        view = view if isinstance(view, Camera) else camera(atoms, view, size[0] / size[1])
        out.append(folder / f'{k:04d}.png')
        render(atoms, out[-1], colour, view=view, size=size, limits=limits)
    return out


def _draw(atoms, colours, view, path, size, fine):
    data = to_ovito(atoms, {'Color': colours, 'Radius': np.full(len(atoms), RADIUS)})
    from ovito.pipeline import Pipeline, StaticSource
    from ovito.vis import TachyonRenderer, Viewport

    data.cell_.vis.enabled = False
    pipeline = Pipeline(source=StaticSource(data=data))
    pipeline.add_to_scene()
    try:
        window = Viewport(type=Viewport.Type.Ortho, camera_dir=view.direction, camera_pos=view.centre, fov=view.height)
        window.camera_up = (0, 1, 0) if abs(view.direction[2]) > 1 - 1e-6 else (0, 0, 1)
        renderer = TachyonRenderer(ambient_occlusion=fine, shadows=False, antialiasing=True)
        if path is None:
            window.render_image(size=size, renderer=renderer)
        else:
            window.render_image(size=size, filename=os.fspath(path), renderer=renderer)
    finally:
        pipeline.remove_from_scene()
