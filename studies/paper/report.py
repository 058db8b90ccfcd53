"""Write docs/reproduction.md and studies/paper/report from the timelines and frames in studies/paper/runs.

    python -m studies.paper.report [RUNS]

It can be repeated whenever more runs are finished and collected (``python -m studies.paper.collect``). What the figures
mean stands in studies/paper/discussion.md, which is written by hand.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from ase.md.velocitydistribution import thermalize_momenta
from mlffvv_analysis.figures import map_figure, snapshots
from mlffvv_analysis.frame import Frame
from mlffvv_analysis.report import keyframes
from mlffvv_analysis.slides import slides
from mlffvv_analysis.statistics import detectable, mean_interval

from ase_mlffvv.io.files import save_figure, save_text
from ase_mlffvv.md import Dynamics, Langevin
from ase_mlffvv.structures import column, freeze_bottom, phase, training_cell
from ase_mlffvv.studies import judge, read_plan, read_study
from ase_mlffvv.studies.claims import ROLES
from ase_mlffvv.studies.claims.criteria import NOT, SUPPORTED, UNDECIDED, at, late
from ase_mlffvv.studies.claims.methods import m11, m12, m13, m14
from ase_mlffvv.studies.compare import by_role
from ase_mlffvv.studies.figures import bands_figure
from ase_mlffvv.studies.results import differences_of
from ase_mlffvv.studies.work import FRAMES

from .figures import BANDS, derived

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / 'docs' / 'reproduction.md'
PICTURES = {'column-250': (0, 20, 60, 100, 200), 'column-350': (0, 10, 20, 40, 100), 'cuboid-a': (0, 10, 20, 40, 200),
            'cuboid-b': (0, 10, 20, 40, 200), 'adatoms': (0, 10, 40, 100)}  # fmt: skip
POWER = (('height_A', 20, 'height at 20 ps', 'Å'), ('height_A', None, 'height at the end', 'Å'),
         ('cn_surface', None, 'coordination of surface atoms at the end', ''),
         ('dxy_all_A', None, 'displacement in the plane at the end', 'Å'),
         ('n_grains_100', None, 'grains at the end', ''))  # fmt: skip


def report(runs=HERE / 'runs', plan=HERE / 'study.yaml', out=HERE / 'report', page=PAGE, methods=True, ovito=None):
    """Write the page and the files that it shows; return the text of the page."""
    runs, plan, out = Path(runs), read_plan(plan), Path(out)
    out.mkdir(parents=True, exist_ok=True)
    found = {name: tables for name, tables in read_study(runs).items() if name in plan.conditions}
    tables = {name: [derived(t) for t in seeds.values()] for name, seeds in found.items()}
    verdicts = judge(by_role(found, plan.claims, ROLES))
    checks = method_verdicts(runs, found, out) if methods else []
    link = _relative(out, Path(page).parent)
    parts = [
        INTRODUCTION,
        verdict_table([*verdicts, *checks]),
        run_table(plan, found),
        f'## Figures\n\n{BAND_TEXT}\n',
        MAP.format(link=link) if methods else '',
        *band_sections(plan, tables, out, link),
        *picture_sections(runs, found, out, link, ovito),
        slide_section(tables),
        control_section(found, plan),
        power_section(found),
        (HERE / 'discussion.md').read_text(encoding='utf-8'),
        '## All criteria\n',
        criterion_table([*verdicts, *checks]),
    ]
    text = '\n'.join(part.rstrip() + '\n' for part in parts if part)
    save_text(page, text)
    return text


def verdict_table(verdicts):
    """One line per claim, with the criterion that decides."""
    count = {name: sum(v.result == name for v in verdicts) for name in (SUPPORTED, NOT, UNDECIDED)}
    counts = ', '.join(f'{n} {name}' for name, n in count.items())
    head = '| claim | verdict | criterion | value (95 % interval) | accepted | paper | runs |'
    lines = [f'## Verdicts\n\n{counts}. {VERDICTS}\n', head, '|---|---|---|---|---|---|---|']
    for v in verdicts:
        c = next((c for wanted in (NOT, UNDECIDED, SUPPORTED) for c in v.criteria if c.result == wanted), v.criteria[0])
        cells = (
            f'**{v.claim}** {v.text}',
            f'**{v.result}**',
            c.name,
            c.number,
            c.accepted,
            _paper(c),
            str(c.estimate.count),
        )
        lines.append(f'| {" | ".join(cells)} |')
    return '\n'.join(lines) + '\n'


def criterion_table(verdicts):
    """One line per criterion."""
    lines = ['| claim | criterion | value (95 % interval) | accepted | result | paper | one run could give it |',
             '|---|---|---|---|---|---|---|']  # fmt: skip
    for v in verdicts:
        for c in v.criteria:
            could = '' if c.paper is None else {None: '–', True: 'yes', False: 'no'}[c.estimate.predicts(c.paper)]
            lines.append(f'| {v.claim} | {c.name} | {c.number} | {c.accepted} | {c.result} | {_paper(c)} | {could} |')
        if v.note:
            lines.append(f'| {v.claim} | *{v.note}* | | | | | |')
    return '\n'.join(lines) + '\n'


def run_table(plan, found):
    """Conditions with the seeds that are finished and the command that makes one run."""
    lines = ['## Runs\n', 'Each condition can be run again with one command; the seed may be any number.\n',
             '| condition | what for | finished | length | command |', '|---|---|---|---|---|']  # fmt: skip
    for name, condition in plan.conditions.items():
        runs = found.get(name, {})
        length = f'{min(t["time_ps"].iloc[-1] for t in runs.values()):g} ps' if runs else ''
        lines.append(f'| {name} | {condition.why} | {len(runs)} of {len(condition.seeds)} | {length} | '
                     f'`{condition.command(condition.seeds[0])}` |')  # fmt: skip
    return '\n'.join(lines) + '\n'


def band_sections(plan, tables, out, link):
    """Figures with bands over seeds, for conditions that have runs."""
    for name, (title, text, conditions, columns, paper) in BANDS.items():
        groups = {c: tables[c] for c in conditions if c in tables}
        if groups and conditions[0] in groups:
            save_figure(bands_figure(groups, columns, paper), out / f'{name}.png', dpi=100)
            command = plan.conditions[conditions[0]].command(0)
            picture = f'![{title}]({link}/{name}.png)'
            yield f'### {title}\n\n{text}\n\n{picture}\n\n`{command}`\n'


def picture_sections(runs, found, out, link, ovito):
    """Snapshots of the first seed of each condition of the main line."""
    for name, times in PICTURES.items():
        path = next((p for seed in found.get(name, {}) if (p := runs / name / f'seed-{seed}' / FRAMES).exists()), None)
        if path is None:
            continue
        chosen = _at_times(path, times)
        save_figure(snapshots(chosen, ovito=ovito), out / f'snapshots-{name}.png', dpi=100)
        lines = [f'- {frame.atoms.info["time_ps"]:g} ps: {b}' for frame in chosen for b in frame.boundaries if b.twin]
        twins = (
            '\n'.join(['Coherent twins in these frames:\n', *lines]) if lines else 'No coherent twin in these frames.'
        )
        picture = f'![Snapshots of {name}]({link}/snapshots-{name}.png)'
        yield f'### Snapshots: {name}, {path.parent.name}\n\n{SNAPSHOTS}\n\n{picture}\n\n{twins}\n'


def slide_section(tables):
    """Stages of sliding of the column at 250 K and the cuboids, with directions in the crystal of the substrate."""
    head = '| condition | run | stage | slope | pause | direction | off | from ⟨110⟩ in the plane |'
    lines = [f'### Stages of sliding\n\n{STAGES}\n', head, '|---|---|---|---|---|---|---|---|']
    for name in ('column-250', 'cuboid-a', 'cuboid-b'):
        for k, table in enumerate(tables.get(name, ())):
            for s in slides(table):
                cells = (name, str(k + 1), f'{s.stage.start:.1f}–{s.stage.stop:.1f} ps', f'{s.stage.slope:+.3f} Å/ps',
                         'yes' if s.stage.plateau else '', '[' + ' '.join(map(str, s.direction)) + ']', f'{s.off:.0f}°',
                         f'{s.off_110:.0f}°')  # fmt: skip
                lines.append(f'| {" | ".join(cells)} |')
    return '\n'.join(lines) + '\n' if len(lines) > 3 else ''


def control_section(found, plan):
    """Differences between pairs of conditions that survive the correction, with the number of comparisons."""
    table = differences_of(found, plan.compare)
    if table is None:
        return ''
    known = table[table['p_adjusted'].notna()]
    head = '| conditions | quantity (last tenth) | first | second | difference (95 % interval) | p | Hedges g |'
    lines = [f'## Differences between conditions\n\n{len(known)} comparisons. {DIFFERENCES}\n', head]
    lines.append('|---|---|---|---|---|---|---|')
    for r in known[known['p_adjusted'] < 0.05].to_dict('records'):
        lines.append(f'| {r["first"]} – {r["second"]} | {r["quantity"]} | {r["mean_1"]:.4g} | {r["mean_2"]:.4g} | '
                     f'{r["difference"]:.3g} ({r["low"]:.3g} to {r["high"]:.3g}) | {r["p_adjusted"]:.2g} | '
                     f'{r["effect_size"]:.1f} |')  # fmt: skip
    single = sorted({f'{r["first"]} – {r["second"]}' for r in table[table['p_adjusted'].isna()].to_dict('records')}
                    - {f'{r["first"]} – {r["second"]}' for r in known.to_dict('records')})  # fmt: skip
    if single:
        lines.append(f'\nToo few runs for a test: {", ".join(single)}.')
    return '\n'.join(lines) + '\n'


def power_section(found):
    """What differences the seeds could have seen."""
    head = '| condition | quantity | mean | standard deviation | runs | seen from | with ten runs |'
    lines = [f'## What these runs could have seen\n\n{COULD}\n', head, '|---|---|---|---|---|---|---|']
    for name in ('column-250', 'column-350', 'cuboid-a', 'cuboid-b'):
        for column_name, time, label, unit in POWER:
            values = [
                late(t, column_name) if time is None else at(t, column_name, time) for t in found.get(name, {}).values()
            ]
            e = mean_interval(values)
            if e.count > 1:
                seen = (detectable(e.deviation, n, n) for n in (e.count, 10))
                cells = ' | '.join(f'{x:.3g} {unit}'.strip() for x in seen)
                lines.append(f'| {name} | {label} | {e.value:.4g} {unit} | {e.deviation:.2g} | {e.count} | {cells} |')
    return '\n'.join(lines) + '\n' if len(lines) > 3 else ''


def method_verdicts(runs, found, out):
    """M11 to M14: on a warm crystal, on the kept frames, and on the training cell at 250 K; and the map of Fig. 1c."""
    warm = _warm(phase('bcc') * (6, 6, 6))
    cell = _warm(training_cell())
    paths = [
        p for name in ROLES for seed in found.get(name, {}) if (p := runs / name / f'seed-{seed}' / FRAMES).exists()
    ]
    frames = [frame.atoms for path in paths[:4] for frame in _at_times(path, (40,))] or [
        _warm(freeze_bottom(small(), 2))
    ]
    figure, _ = map_figure(Frame(cell))
    save_figure(figure, out / 'fig1c.png', dpi=100)
    return [m11([warm]), m12(frames), m13(frames), m14(cell)]


def small():
    """A small column, where no frame of a run is at hand."""
    return column(diameter=4, height=6, box=8)


def _warm(atoms, temperature=250.0, steps=500):
    """A structure after 1 ps at a temperature, with atomic energies."""
    thermalize_momenta(atoms, temperature_K=2 * temperature, rng=np.random.default_rng(0))
    md = Dynamics(atoms, integrator=Langevin(temperature, 0.01, 0), timestep=2.0, threads=1, reporters=(),
                  on_extrapolation='ignore')  # fmt: skip
    md.run(steps)
    out = md.structure()
    out.set_constraint()
    out.arrays['local_energy'] = np.asarray(md.state.energies)
    return out


def _at_times(path, times):
    """Frames of a file that are nearest to some times."""
    from ase.io import read

    known = np.array([atoms.info['time_ps'] for atoms in read(path, ':')])
    chosen = {int(abs(known - t).argmin()) for t in times if t <= known[-1]}
    return keyframes(path, sorted(chosen or {len(known) - 1}))


def _paper(criterion):
    return '' if criterion.paper is None else f'{criterion.paper:.3g} {criterion.unit}'.strip()


def _relative(path, start):
    import os

    return Path(os.path.relpath(path, start)).as_posix()


INTRODUCTION = """# The paper's simulations with replicas

<!-- written by python -m studies.paper.report; edit studies/paper/discussion.md -->

W. Zhang et al., Adv. Energy Mater. **13**, 2202892 (2023), rest every statement about the motion of lithium
dendrites on one trajectory. Here the same systems are simulated several times, with other initial velocities, and
each claim is a function of the timelines, with a threshold that was fixed before the runs. A claim is *supported*
if the 95 % interval of its number lies within the accepted range, *not supported* if it lies outside, and
*undecided* otherwise, or with fewer than two runs. A claim with several numbers needs all of them. The runs are
those of `studies/paper/study.yaml`; their timelines and ten frames of each are in `studies/paper/runs`.
"""
VERDICTS = """The number is that of the criterion that decides; all of them are listed at the end, and their
definitions are in `ase_mlffvv/studies/claims`."""
MAP = """### Training cell (Fig. 1c)

t-SNE map of radial and bond-order features of the 230-atom cell at 250 K, by energy, class and coordination.

![Map of the training cell]({link}/fig1c.png)
"""
BAND_TEXT = """Thick lines are means over seeds (numbers in brackets), bands are 95 % intervals of the mean, thin lines
are single runs."""
SNAPSHOTS = 'Seen along [1-10]; by crystal structure, and cut through the middle by grain and by atomic energy.'
STAGES = """The mean displacement in the plane (all atoms), divided at its change points, and the displacement of the
atoms of the initial upper half in each stage. A pause is a stage with less than a fifth of the mean slope."""
DIFFERENCES = """Only pairs with two or more runs of both conditions are tested; p-values are the larger of those of
Welch's test and of the permutation test, corrected within each pair (Benjamini and Hochberg). Those below 0.05 are
shown."""
COULD = """Standard deviation between seeds, and the smallest difference between two such conditions that a test at 5 %
finds with a probability of 80 %, for the runs at hand and for ten of each. A smaller difference may exist and would not
have been noticed."""

if __name__ == '__main__':
    if len(sys.argv) > 2 or '-h' in sys.argv or '--help' in sys.argv:
        sys.exit(__doc__)
    report(*sys.argv[1:])
    print(PAGE)
