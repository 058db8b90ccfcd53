"""Choice of the engine that evaluates a potential, and checks that it is available on this machine."""

from __future__ import annotations

from ase.calculators.calculator import CalculatorSetupError

from ..model.potential import VVPotential

ENGINES = ('auto', 'numba', 'torch', 'cuda')


class TorchEngine:
    """The definition in torch as an engine, on any device that torch supports."""

    name = 'torch'

    def __init__(self, potential: VVPotential, device: str):
        self.potential, self.device, self.cutoff = potential, device, potential.cutoff

    def evaluate(self, species, positions, cell, pairs, centres=None):
        """See :func:`ase_mlffvv.model.definition.evaluate`."""
        return self.potential.evaluate(species, positions, cell, pairs, self.device, centres)


def check_choice(engine, device):
    """Raise CalculatorSetupError unless this engine exists and can run on this device of the machine."""
    if engine not in ENGINES:
        raise CalculatorSetupError(f'engine must be one of {", ".join(ENGINES)}, got {engine!r}')
    if device == 'cpu' and engine == 'cuda':
        raise CalculatorSetupError("engine='cuda' needs device='cuda', got 'cpu'")
    if device != 'cpu' and engine == 'numba':
        raise CalculatorSetupError(f"engine='numba' runs on device='cpu', got {device!r}; use engine='torch'")
    if device == 'cpu':
        return
    if not isinstance(device, str):
        raise CalculatorSetupError(f"device must be 'cpu' or 'cuda' (or 'cuda:0', ...), got {device!r}")
    import torch

    try:
        kind = torch.device(device).type
    except (RuntimeError, TypeError) as error:
        raise CalculatorSetupError(f"device must be 'cpu' or 'cuda' (or 'cuda:0', ...), got {device!r}") from error
    if engine == 'cuda':
        if kind != 'cuda':
            raise CalculatorSetupError(f"engine='cuda' needs device='cuda', got {device!r}")
        if not _find_gpu(device):
            raise CalculatorSetupError(
                f"engine='cuda' was requested, but Numba finds no CUDA device '{device}'. Use device='cpu', or install "
                'the extra cuda (pip install ".[cuda]") on a machine with an NVIDIA GPU.'
            )
    elif kind == 'cuda' and not torch.cuda.is_available() and not (engine == 'auto' and _find_gpu(device)):
        built = 'has no CUDA support' if torch.version.cuda is None else 'finds no CUDA device'
        raise CalculatorSetupError(
            f"device='{device}' was requested, but torch {torch.__version__} {built}. Use device='cpu', or install a "
            'CUDA build of torch on a machine with an NVIDIA GPU.'
        )


def choose(potential: VVPotential, engine, device, precision='float64'):
    """Name of the engine that evaluates ``potential`` with floating-point ``precision``.

    Raises
    ------
    CalculatorSetupError
        The engine is not available (see :func:`check_choice`), or engine='cuda' does not support the potential.
    """
    check_choice(engine, device)
    found = _choose(potential, engine, device)
    families = [family.name for family in potential.features]
    if precision not in ('float64', 'float32'):
        raise CalculatorSetupError(f"precision must be 'float64' or 'float32', got {precision!r}")
    if precision == 'float32' and (found == 'torch' or families != ['density']):
        raise CalculatorSetupError(
            "precision='float32' is for models of density features alone and the engines numba and cuda, got features "
            f"{', '.join(families)} and engine {found}; use precision='float64'"
        )
    return found


def _choose(potential, engine, device):
    if engine == 'auto' and device == 'cpu':
        return 'numba'
    if engine in ('auto', 'cuda') and str(device).startswith('cuda') and _find_gpu(device):
        from ..kernels.cuda.model import unsupported

        reason = unsupported(potential)
        if not reason:
            return 'cuda'
        if engine == 'cuda':
            raise CalculatorSetupError(f"{reason}; use engine='torch', or engine='numba' with device='cpu'")
    if engine == 'auto':
        engine = 'torch'
        check_choice(engine, device)
    return engine


def make_engine(potential: VVPotential, engine, device, threads=None, precision='float64'):
    """Make the engine that :func:`choose` named. All engines know 'float64', and all but torch also 'float32'."""
    engine = choose(potential, engine, device, precision)
    if engine == 'numba':
        from ..kernels.cpu.engine import NumbaEngine

        return NumbaEngine(potential, threads, precision)
    if engine == 'cuda':
        from ..kernels.cuda.engine import CudaEngine

        return CudaEngine(potential, device_index(device), dtype=precision)
    return TorchEngine(potential, device)


def device_index(device):
    """Index of the GPU in the name of a torch device."""
    return int(str(device).partition(':')[2] or 0)


def _find_gpu(device):
    """Whether Numba finds this GPU; imports numba.cuda."""
    try:
        from ..kernels.cuda.model import find_gpu
    except ImportError:  # a Numba without numba.cuda
        return False
    return find_gpu(device_index(device))
