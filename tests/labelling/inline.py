"""An executor without processes, for tests of everything else."""

from concurrent.futures import Executor, Future


class Inline(Executor):
    def __init__(self):
        self.tasks = []

    def submit(self, fn, /, *args, **kwargs):
        self.tasks.append(args)
        future = Future()
        future.set_result(fn(*args, **kwargs))
        return future


def chain(n, symbol='Cu', d=2.6):
    """A row of ``n`` atoms in a box."""
    from ase import Atoms

    atoms = Atoms(f'{symbol}{n}', [[0, 0, d * k] for k in range(n)])
    atoms.center(vacuum=4.0)
    return atoms
