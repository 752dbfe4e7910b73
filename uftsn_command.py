# SPDX-License-Identifier: Apache-2.0
"""The command ``uftsn``: list the tools and run them.

It stands beside the package, whose import takes seconds.
"""
from __future__ import annotations

import ast
import importlib.util
import runpy
import sys
from pathlib import Path

#: File of each command in ``tools``.
COMMANDS = dict(
    predict='predict',
    extract='extract_flow',
    visualize='visualize_flow',
    train='train',
    test='test',
    check='check_videos',
    prepare='prepare_annotations',
    fuse='fuse_scores',
    confusion='plot_confusion',
    report='report',
    evaluate='evaluate_flow',
    benchmark='benchmark',
    compare='compare_flows',
    splits='run_splits',
    publish='publish_weights',
    generate='generate_motion',
    quickstart='quickstart')

_USAGE = """usage: uftsn COMMAND ...

{commands}

    uftsn predict my.mp4 --out flow.mp4
    uftsn extract my_videos --to rawframes --out work_dirs/rawframes
    uftsn visualize my.mp4 --estimator uftsn_plus dis --out compared.png

uftsn COMMAND --help shows the options of a command."""
_MISTAKE = 2


def find_tools() -> Path:
    """Return the folder of the tools, in a checkout or an installation.

    Raises:
        FileNotFoundError: If there is none.
    """
    here = Path(__file__).resolve().parent
    # Finding a package does not import it.
    spec = importlib.util.find_spec('uftsn_mmaction')
    places = [here, *(Path(root, '.mim')
                      for root in spec.submodule_search_locations)]
    for place in places:
        if (place / 'tools' / 'end_on_signals.py').is_file():
            return place / 'tools'
    raise FileNotFoundError('the tools are not installed with uftsn_mmaction; '
                            'install the package anew')


def usage(tools: Path) -> str:
    """Return the list of the commands, each with a line on what it does."""
    width = max(map(len, COMMANDS))
    lines = []
    for name, file in COMMANDS.items():
        text = (tools / f'{file}.py').read_text(encoding='utf-8')
        summary = ast.get_docstring(ast.parse(text)).split('\n\n')[0]
        lines.append(f'  {name:{width}}  {" ".join(summary.split())}')
    return _USAGE.format(commands='\n'.join(lines))


def main() -> int:
    tools = find_tools()
    name, *arguments = sys.argv[1:] or ['--help']
    if name in ('-h', '--help'):
        print(usage(tools))
        return 0
    if name not in COMMANDS:
        print(usage(tools), file=sys.stderr)
        print(f'\nerror: the command {name!r} is unknown', file=sys.stderr)
        return _MISTAKE
    # The tools import each other.
    sys.path.insert(0, str(tools))
    try:
        tool = runpy.run_path(str(tools / f'{COMMANDS[name]}.py'))
        sys.argv = [f'uftsn {name}', *arguments]
        return tool['main']() or 0
    except SystemExit as end:
        # A tool gives its sentence instead of a number.
        if not isinstance(end.code, str):
            raise
        print(end.code, file=sys.stderr)
        return _MISTAKE


if __name__ == '__main__':
    raise SystemExit(main())
