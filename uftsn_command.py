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
    export='export',
    app='app',
    train='train',
    test='test',
    check='check_videos',
    prepare='prepare_annotations',
    fuse='fuse_scores',
    confusion='plot_confusion',
    report='report',
    evaluate='evaluate_flow',
    benchmark='benchmark',
    speed='benchmark_extraction',
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


def main() -> None:
    tools = find_tools()
    # The tools import each other.
    sys.path.insert(0, str(tools))
    from command_line import UserError, command

    @command()
    def run() -> None:
        name, *arguments = sys.argv[1:] or ['--help']
        if name in ('-h', '--help'):
            print(usage(tools))
            return
        if name not in COMMANDS:
            print(usage(tools), end='\n\n', file=sys.stderr)
            raise UserError(f'the command {name!r} is unknown')
        tool = runpy.run_path(str(tools / f'{COMMANDS[name]}.py'))
        sys.argv = [f'uftsn {name}', *arguments]
        tool['main']()

    run()


if __name__ == '__main__':
    main()
