"""Run the tutorials and store them as notebooks: ``make notebooks``.

The source of each is the Python file in ``tutorials/``, which runs as a script, too; jupytext pairs it with the
notebook. Outputs are stored, so that the documentation and viewers of notebooks show them without running anything.
"""

from __future__ import annotations

import re
import sys
import tempfile
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient

TUTORIALS = Path(__file__).parents[1] / 'tutorials'
WIDGET = 'application/vnd.jupyter.widget-view+json'


def execute(path, folder, timeout=600):
    """Run a tutorial in a folder and return the notebook with its outputs.

    Parameters
    ----------
    path : path
        A Python file in jupytext's percent format, or a notebook.
    folder : path
        Working directory of the kernel.
    timeout : float
        Longest time for a cell, s.

    Raises
    ------
    nbclient.exceptions.CellExecutionError
        A cell raised an error.
    """
    notebook = jupytext.read(path)
    client = NotebookClient(notebook, timeout=timeout, kernel_name='python3', store_widget_state=False,
                            resources={'metadata': {'path': str(folder)}}, record_timing=False)  # fmt: skip
    client.execute()
    return notebook


def clean(notebook):
    """Remove what differs from run to run: progress bars, paths of this machine, and numbers of widgets."""
    notebook.metadata.pop('widgets', None)
    for k, cell in enumerate(notebook.cells):
        cell['id'] = f'cell-{k}'
        if cell.cell_type != 'code':
            continue
        kept = []
        for output in cell.outputs:
            if WIDGET in output.get('data', {}) or output.get('name') == 'stderr':
                continue
            if 'text' in output:
                output['text'] = re.sub(r'/tmp/\S*?/', '', output['text'])
            kept.append(output)
        cell.outputs = kept
    return notebook


def main(names):
    """Run all tutorials, or those whose names are given."""
    for path in sorted(TUTORIALS.glob('*.py')):
        if names and path.stem not in names:
            continue
        print(path.name, flush=True)
        with tempfile.TemporaryDirectory() as folder:
            notebook = clean(execute(path, folder))
        nbformat.write(notebook, path.with_suffix('.ipynb'))


if __name__ == '__main__':
    main(sys.argv[1:])
