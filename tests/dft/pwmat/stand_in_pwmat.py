"""A stand-in for PWmat: a pair potential behind its files, so that the calculator can be tested without the program.

It reads etot.input, atom.config and IN.SOLVENT of the working directory with a parser of its own and writes REPORT,
OUT.FORCE, OUT.STRESS, OUT.ENDIV, or MOVEMENT with MDSTEPS or RELAXSTEPS and final.config, in the units and signs of
PWmat. ``--fail`` makes it go wrong. Numbers have nothing to do with those of PWmat.
"""

import argparse
import itertools
import os
import signal
import sys
from pathlib import Path

import numpy as np

CUTOFF, DEPTH, WIDTH, LENGTH = 5.5, 0.1, 1.2, 3.0  # Å, eV, 1/Å, Å
OFFSET, CONSTANT = 0.5, -1.0  # eV per atom: part of the atomic energies, and not
BOHR, ACCELERATION = 0.529177, 9.648533e-3  # Å; Å/fs^2 of eV/Å/u
MASS = 6.94


class Structure:
    def __init__(self, path):
        lines = Path(path).read_text().splitlines()
        n = int(lines[0].split()[0])
        first = {line.split()[0].upper(): k + 1 for k, line in enumerate(lines) if line[:1].isalpha()}
        rows = {name: [line.split() for line in lines[k : k + n]] for name, k in first.items()}
        lattice = lines[first['LATTICE'] : first['LATTICE'] + 3]
        self.cell = np.array([[float(t) for t in line.split()[:3]] for line in lattice])
        self.numbers = [int(row[0]) for row in rows['POSITION']]
        self.x = np.array([[float(t) for t in row[1:4]] for row in rows['POSITION']])
        self.move = np.array([[int(t) for t in row[4:7]] for row in rows['POSITION']])
        self.velocity = np.array([[float(t) for t in row[1:4]] for row in rows.get('VELOCITY', [])])

    def evaluate(self):
        """Atomic energies, dE/dR, dE/d(strain)."""
        spacing = 1 / np.linalg.norm(np.linalg.inv(self.cell), axis=0)
        counts = [int(np.ceil(CUTOFF / s)) for s in spacing]
        shifts = np.array(list(itertools.product(*[range(-c, c + 1) for c in counts])))
        x = self.x % 1
        D = (x[None, :, None] - x[:, None, None] + shifts) @ self.cell
        r = np.linalg.norm(D, axis=-1)
        pair = (r > 1e-6) & (r < CUTOFF)
        r = np.where(pair, r, 1.0)
        e = np.exp(-WIDTH * (r - LENGTH))
        well, slope = DEPTH * ((1 - e) ** 2 - 1), 2 * DEPTH * WIDTH * (1 - e) * e
        q = 1 - (r / CUTOFF) ** 2
        phi = np.where(pair, well * q**3, 0)
        dphi = np.where(pair, slope * q**3 - 6 * well * q**2 * r / CUTOFF**2, 0)
        G = -(dphi / r)[..., None] * D
        virial = 0.5 * np.einsum('ijsa,ijsb->ab', (dphi / r)[..., None] * D, D)
        return 0.5 * phi.sum((1, 2)) + OFFSET, G.sum((1, 2)), virial


def keys(path):
    pairs = (line.split('#')[0].split('=') for line in Path(path).read_text().splitlines()[1:] if '=' in line)
    return {key.strip(): value.strip() for key, value in pairs}


def rows(numbers, *columns):
    table = np.column_stack(columns)
    return ''.join(f'{z:4d} ' + ' '.join(f'{v:22.15f}' for v in row) + '\n' for z, row in zip(numbers, table))


def frame(s, first):
    E, G, S = s.evaluate()
    Ep = E.sum() + CONSTANT * len(E)
    v = s.velocity if s.velocity.size else np.zeros((len(E), 3))
    Ek = 0.5 * MASS * ((v * BOHR) ** 2).sum() / ACCELERATION
    lattice = ''.join(
        ' '.join(f'{c:18.10E}' for c in a) + '     stress (eV): ' + ' '.join(f'{c:14.6E}' for c in b) + '\n'
        for a, b in zip(s.cell, S)
    )
    move = np.column_stack([s.x % 1, s.move])
    title = 'Position (normalized), move_x, move_y, move_z'
    text = (
        f'  {len(E)} atoms,{first}, Etot,Ep,Ek (eV) = {Ep + Ek:20.13E} {Ep:20.13E} {Ek:20.13E}, SCF =  5\n'
        f' Lattice vector (Angstrom)\n{lattice} {title}\n{rows(s.numbers, move)}'
        f' nonperiodic_{title}\n{rows(s.numbers, np.column_stack([s.x, s.move]))}'
        f' Force (-force, eV/Angstrom)\n{rows(s.numbers, G)} Velocity (bohr/fs)\n{rows(s.numbers, v)}'
        f'Atomic-Energy, Etot(eV),E_nonloc(eV),Q_atom:dE(eV)= {CONSTANT * len(E):19.10E}\n'
        f'{rows(s.numbers, E, 0 * E, 3 + 0 * E)} {"-" * 49}\n'
    )
    return text, Ep, Ek, G, S


def report(settings, energy, fail):
    text = '  1    1\n' + ''.join(f' {key} = {value}\n' for key, value in settings.items())
    text += ' *********** end of etot.input report ********\n'
    for k, error in enumerate((0.1, 1e-3, 1e-9), 7):
        text += f' iter=  {k}   ave_lin=  1.1  iCGmth=   3\n'
        text += f' E_tot(eV)            = {energy + error:.16E}    {error:.3E}\n'
    if fail == 'killed':
        return text
    reason = 'niter reached' if fail == 'iterations' else 'tol Rho_err  5.0E-005'
    text += f' E_Fermi(eV)=   1.25\n ending_scf_reason = {reason}\n -TS          = -.7E-02    0.8E-04\n'
    return text + f' E_tot(eV)    = {energy:.16E}    0.1000E-08\n total computation time (sec)=   0.1\n'


def scf(s, settings, out, fail):
    E, G, S = s.evaluate()
    energy = E.sum() + CONSTANT * len(E)
    (out / 'REPORT').write_text(report(settings, energy, fail))
    if fail == 'killed':
        sys.stdout.flush()
        os.kill(os.getpid(), signal.SIGKILL)
    order = np.argsort(s.numbers, kind='stable') if fail == 'order' else np.arange(len(E))
    numbers, E, G = np.array(s.numbers)[order], E[order], G[order]
    text = f'          {len(E)} atoms\n{rows(numbers, G)}'
    (out / 'OUT.FORCE').write_text(text[: len(text) // 2] if fail == 'cut' else text)
    if settings.get('OUT.STRESS') == 'T':
        (out / 'OUT.STRESS').write_text(' stress tensor (eV)\n' + rows([0, 0, 0], S).replace('   0 ', ''))
    if settings.get('ENERGY_DECOMP', 'F').startswith('T'):
        title = f' Etot,ENDIV(eV)= {energy} {E.sum()}\n atomic energies  {CONSTANT * len(E):.12E}  dE\n'
        (out / 'OUT.ENDIV').write_text(title + rows(numbers, E, 0 * E, 3 + 0 * E))


def dynamics(s, settings, out, fail):
    _, steps, dt, T, _ = (float(t) for t in settings['MD_DETAIL'].replace(',', ' ').split())
    if not s.velocity.size:
        width = np.sqrt(2 * T * 8.617e-5 * ACCELERATION / MASS) / BOHR
        s.velocity = np.random.default_rng(1).normal(scale=width, size=s.x.shape)
    a = -s.evaluate()[1] * ACCELERATION / MASS * s.move
    v = s.velocity * BOHR * s.move
    for k in range(1, int(steps) + 1):
        v = v + 0.5 * dt * a
        s.x = s.x + dt * v @ np.linalg.inv(s.cell)
        a = -s.evaluate()[1] * ACCELERATION / MASS * s.move
        v = v + 0.5 * dt * a
        s.velocity = v / BOHR
        text, Ep, Ek, _, _ = frame(s, f'Iteration (fs) = {k * dt:18.10E}')
        with open(out / 'MOVEMENT', 'a') as movement, open(out / 'MDSTEPS', 'a') as table:
            movement.write(text)
            table.write(f'Iter(fs)= {k * dt:.6E} Etot,Ep,Ek(eV)= {Ep + Ek:.10E} {Ep:.10E} {Ek:.10E} Temp(K)= {T}\n')
        if fail == 'half' and k >= steps / 2:
            return os.kill(os.getpid(), signal.SIGKILL)
    (out / 'REPORT').write_text(report(settings, Ep, fail))


def relaxation(s, settings, out, fail):
    detail = [float(t) for t in settings['RELAX_DETAIL'].replace(',', ' ').split()]
    for k in range(int(detail[1])):
        text, Ep, _, G, S = frame(s, f'Iteration = {k:4d}')
        force, tensor = abs(G * s.move).max(), abs(S).max() / len(G)
        done = force < detail[2] and (len(detail) < 5 or tensor < detail[4])
        with open(out / 'MOVEMENT', 'a') as movement, open(out / 'RELAXSTEPS', 'a') as table:
            movement.write(text)
            kind = '*END' if done else ' NEW'
            table.write(f'It= {k:4d} {kind} E= {Ep:.13E} Av_F= {force / 2:.2E} M_F= {force:.4E} dE= 0.4E-05 SCF= 13\n')
        if fail == 'half' and k == 1:
            return os.kill(os.getpid(), signal.SIGKILL)
        if done:
            break
        s.x = s.x - 0.2 * (G * s.move) @ np.linalg.inv(s.cell)
        if len(detail) >= 5:
            s.cell = s.cell @ (np.eye(3) - 0.02 * S / len(G))
    (out / 'REPORT').write_text(report(settings, Ep, fail))
    (out / 'final.config').write_text(f'{len(G)}\nLATTICE\n')


def main(directory='.', fail=None):
    out = Path(directory)
    with open(out / 'runs', 'a') as runs:
        runs.write('run\n')
    settings = keys(out / 'etot.input')
    if fail == 'crash':
        print('forrtl: severe: CUDA memory insufficient', file=sys.stderr)
        return 3
    missing = [name for key, name in settings.items() if key.startswith('IN.PSP') and not (out / name).is_file()]
    missing += [key for key in ('IN.SOLVENT', 'IN.MDOPT') if settings.get(key) == 'T' and not (out / key).is_file()]
    if missing:
        print(f'not found: {missing}', file=sys.stderr)
        return 2
    print('stand-in for PWmat')
    job = {'SCF': scf, 'MD': dynamics, 'RELAX': relaxation}[settings['JOB']]
    job(Structure(out / settings['IN.ATOM']), settings, out, fail)
    return 0


if __name__ == '__main__':
    parser = argparse.ArgumentParser()
    parser.add_argument('--fail')
    sys.exit(main(fail=parser.parse_args().fail))
