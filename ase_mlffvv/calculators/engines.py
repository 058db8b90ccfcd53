"""Which engine evaluates a potential, and the check that the machine has what was asked for."""

from __future__ import annotations

from ase.calculators.calculator import CalculatorSetupError

from ..model.potential import VVPotential

ENGINES = ('auto', 'numba', 'torch')


class TorchEngine:
    """The torch definition as an engine, on any torch device."""

    name = 'torch'

    def __init__(self, potential: VVPotential, device: str):
        self.potential, self.device, self.cutoff = potential, device, potential.cutoff

    def evaluate(self, species, positions, cell, pairs):
        """See :func:`ase_mlffvv.model.definition.evaluate`."""
        return self.potential.evaluate(species, positions, cell, pairs, self.device)


def check_choice(engine, device):
    """Raise CalculatorSetupError unless this engine exists and can run on this device here; returns its name."""
    if engine not in ENGINES:
        raise CalculatorSetupError(f'engine must be one of {", ".join(ENGINES)}, got {engine!r}')
    if device != 'cpu' and engine == 'numba':
        raise CalculatorSetupError(f"engine='numba' runs on device='cpu', got {device!r}; use engine='torch'")
    if device == 'cpu':
        return 'numba' if engine == 'auto' else engine
    import torch

    try:
        kind = torch.device(device).type
    except (RuntimeError, TypeError) as error:
        raise CalculatorSetupError(f"device must be 'cpu' or 'cuda' (or 'cuda:0', ...), got {device!r}") from error
    if kind == 'cuda' and not torch.cuda.is_available():
        built = 'has no CUDA support' if torch.version.cuda is None else 'finds no CUDA device'
        raise CalculatorSetupError(
            f"device='{device}' was requested, but torch {torch.__version__} {built}. Use device='cpu', or install a "
            'CUDA build of torch on a machine with an NVIDIA GPU.'
        )
    return 'torch'


def make_engine(potential: VVPotential, engine, device, threads=None):
    """Engine by name, after :func:`check_choice`."""
    if check_choice(engine, device) == 'numba':
        from ..kernels.evaluate import NumbaEngine

        return NumbaEngine(potential, threads)
    return TorchEngine(potential, device)
