"""The table of properties, as data and as text."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path

from .reference import PROPERTIES, beyond, number
from .tasks import TASKS


@dataclass(frozen=True)
class Result:
    """A line of the table.

    Attributes
    ----------
    name, label, unit, group : str
    value : float, str or None
        Computed value; None if the property could not be computed.
    dft, experiment : float, (float, float), str or None
        Reference values; a pair is a range.
    source : str
        Sources of the reference values.
    reason : str
        Reason why there is no value.
    note : str
        How the value was computed.
    """

    name: str
    label: str
    unit: str
    group: str
    value: object
    dft: object
    experiment: object
    source: str
    reason: str = ''
    note: str = ''

    @property
    def difference(self):
        """Difference from DFT, 0 within its range; None if one of the numbers is missing."""
        return None if self.value is None else beyond(self.value, self.dft)


@dataclass
class Validation:
    """Result of :func:`validate`; ``print`` shows it as a table.

    Attributes
    ----------
    title : str
        Name of the calculator.
    folder : Path
        Folder with ``validation.json``, ``validation.txt``, ``validation.png`` and ``validation.html``.
    tasks : dict
        Record of each task: status, seconds, values, curves, and note or reason.
    """

    title: str
    folder: Path
    tasks: dict = field(default_factory=dict)

    @property
    def results(self):
        """List of :class:`Result`, in the order of the table."""
        out = []
        for name, task in TASKS.items():
            record = self.tasks.get(name)
            for key in task.gives if record else ():
                p = PROPERTIES[key]
                value = record.get('values', {}).get(key)
                out.append(Result(key, p.label, p.unit, p.group, value, p.dft, p.experiment, p.source,
                                  record.get('reason', ''), record.get('note', '')))  # fmt: skip
        return out

    @property
    def failed(self):
        """Names of tasks without a result."""
        return [name for name, record in self.tasks.items() if record['status'] == 'failed']

    def value(self, name):
        """Value of a property by its name, such as ``'C11'``; None if it could not be computed.

        Raises
        ------
        KeyError
            If the property was not requested.
        """
        return {r.name: r.value for r in self.results}[name]

    def curve(self, task, name):
        """Data for plots; None if there are none."""
        return self.tasks.get(task, {}).get('curves', {}).get(name)

    def to_list(self):
        """The table as a list of dicts for JSON."""
        return [{**asdict(r), 'difference': r.difference} for r in self.results]

    def __str__(self):
        return '\n'.join([f'lithium, {self.title}', '', *_lines(self), *_notes(self)])


def _lines(validation):
    """Lines of the table, one for each property."""
    out = [f'{"":38}{"model":>8}{"DFT":>14}{"difference":>12}{"experiment":>12}']
    group = None
    for r in validation.results:
        if r.group != group:
            group = r.group
            out.append(group)
        digits = PROPERTIES[r.name].digits
        label = f'  {r.label}' + (f' ({r.unit})' if r.unit else '')
        if isinstance(r.value, str):
            difference = '' if r.dft is None else 'same' if r.value == r.dft else 'differs'
        else:
            difference = '' if r.difference is None else f'{r.difference:+.{digits}f}'
        value = 'failed' if r.value is None else number(r.value, digits)
        out.append(f'{label:38}{value:>8}{number(r.dft, digits):>14}{difference:>12}'
                   f'{number(r.experiment, digits):>12}'.rstrip())  # fmt: skip
    return out


def _notes(validation):
    """Notes below the table: order of the surfaces, methods, failures, sources, and the time taken."""
    done, out = validation.tasks, ['']
    order = done.get('surface_order', {})
    if order.get('note'):
        out.append(f'surfaces in order of increasing energy: {order["note"]}')
    out += [f'{name}: {done[name]["note"]}' for name in
            ('elastic', 'phonons', 'expansion', 'liquid', 'melting') if done.get(name, {}).get('note')]  # fmt: skip
    out += [f'failed: {name}: {done[name]["reason"]}' for name in validation.failed]
    sources = list(dict.fromkeys(part for r in validation.results for part in r.source.split('; ') if part))
    if sources:
        out += ['DFT values are PBE; for a range, the difference is from its nearer end. Sources:']
        out += [f'  {source}' for source in sources]
    out.append(f'computed in {sum(record["seconds"] for record in done.values()):.0f} s')
    return out
