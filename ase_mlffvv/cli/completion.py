"""mlffvv completion: completion of commands, options and file names in a shell."""

from __future__ import annotations

FILES = ('trajectory', 'structure', 'model', 'train', 'data', 'frames', 'test', 'source', 'target', 'spec', 'start',
         'parity', 'json', 'reliability')  # fmt: skip
FOLDERS = ('restart', 'output', 'folder')
SHELLS = ('bash', 'zsh', 'tcsh')


def add(commands):
    """Add the command to the parser."""
    p = commands.add_parser(
        'completion',
        help='print what a shell needs to complete commands and options',
        description='Prints a script. bash: eval "$(mlffvv completion bash)" in ~/.bashrc; zsh: mlffvv completion zsh '
        '> a file _mlffvv in a folder of $fpath.',
    )
    p.add_argument('shell', choices=SHELLS)
    return p


def run(args):
    """Run the command with its parsed arguments."""
    try:
        import shtab
    except ImportError as error:
        raise ImportError(f'completion needs shtab ({error}); install it with: pip install shtab') from error

    for command in dict.fromkeys(args.program._subparsers._group_actions[0].choices.values()):
        for action in command._actions:
            if action.dest in FILES:
                action.complete = shtab.FILE
            elif action.dest in FOLDERS:
                action.complete = shtab.DIRECTORY
    print(shtab.complete(args.program, args.shell))
