"""Forces for dynamics: an Evaluator for the elements and the cell of a structure."""

from __future__ import annotations

from ase.calculators.calculator import CalculatorSetupError

from ..engines.choice import choose
from ..engines.evaluator import Evaluator


def make_forces(potential, atoms, *, device='cpu', engine='auto', skin=0.8, threads=None, precision='float64'):
    """Evaluator of ``potential`` for the elements and the cell of ``atoms`` on a device.

    Raises
    ------
    CalculatorSetupError
        The engine or device is not available, or the fused CUDA kernels on a GPU do not support the model.
    """
    name = choose(potential, engine, device, precision)
    if device != 'cpu' and name != 'cuda':
        raise CalculatorSetupError(
            f"dynamics on device='{device}' needs the fused CUDA kernels, which evaluate models of density features "
            f"alone; engine {name!r} was chosen. Use device='cpu', or ASE's dynamics with VVCalculator."
        )
    return Evaluator(potential, atoms.numbers, atoms.cell, atoms.pbc, device=device, engine=name, skin=skin,
                     threads=threads, precision=precision, virials=False)  # fmt: skip
