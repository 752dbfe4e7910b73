# SPDX-License-Identifier: Apache-2.0
"""Options, help and exit status that all tools share."""
import argparse
import json
import os
import runpy
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import command_line
import pytest
import stock_tool

from uftsn_mmaction.apis.flow_formats import FORMATS
from uftsn_mmaction.apis.flow_inferencer import DEFAULT
from uftsn_mmaction.datasets.motion.settings import MotionSetSettings
from uftsn_mmaction.datasets.official_splits import COUNTS, SPLIT_FOLDERS
from uftsn_mmaction.datasets.video_check.decoder import DECODERS
from uftsn_mmaction.experiments.comparison.plan import DATA
from uftsn_mmaction.experiments.experiment import STREAMS
from uftsn_mmaction.experiments.splits.plan import PREFIXES
from uftsn_mmaction.models.flow import precision

TOOLS = sorted(
    path for path in (Path(__file__).parents[2] / 'tools').glob('*.py')
    if path.stem not in ('command_line', 'end_on_signals', 'stock_tool'))

# Prints the help of each tool, and what has been imported by then.
ALL_HELP = """
import contextlib, io, json, runpy, sys
sys.path.insert(0, sys.argv.pop(1))
paths, said = sys.argv[1:], {}
for path in paths:
    sys.argv = [path, '--help']
    with contextlib.redirect_stdout(io.StringIO()) as out:
        try:
            runpy.run_path(path, run_name='__main__')
        except SystemExit as end:
            assert not end.code, path
    said[path] = out.getvalue()
print(json.dumps([said, list(sys.modules)]))
"""


def test_help_has_an_example_and_imports_nothing_large(run_command):
    done = run_command([sys.executable, '-c', ALL_HELP, TOOLS[0].parent,
                        *TOOLS])
    said, imported = json.loads(done.stdout)
    assert not {*imported} & {'torch', 'numpy', 'cv2', 'mmengine', 'mmaction',
                              'uftsn_mmaction'}
    for path, text in said.items():
        name = Path(path).name
        assert text.startswith(f'usage: {name} ')
        assert f'\n    python tools/{name} ' in text


def test_what_help_says_is_what_the_package_has():
    tools = {path.stem: runpy.run_path(str(path)) for path in TOOLS}
    assert tools['generate_motion']['DEFAULTS'] == asdict(MotionSetSettings())
    assert tools['benchmark']['PRECISIONS'] == precision.PRECISIONS
    assert tools['benchmark']['LAYOUTS'] == precision.LAYOUTS
    assert tools['check_videos']['_DECODERS'] == (*sorted(DECODERS.values()), )
    assert tools['compare_flows']['_DATA'] == (*DATA, )
    assert tools['extract_flow']['FLOW_FORMATS'] == (*FORMATS, )
    assert tools['prepare_annotations']['SPLIT_FOLDERS'] == SPLIT_FOLDERS
    assert SPLIT_FOLDERS.keys() == COUNTS.keys()
    assert tools['run_splits']['STREAMS'] == {
        stream: PREFIXES[stream] for stream in STREAMS}
    assert command_line.ESTIMATOR == DEFAULT


@pytest.mark.parametrize('name', ['train', 'test'])
def test_every_option_of_the_stock_script_is_known(name, repo_root,
                                                   monkeypatch):
    ours = runpy.run_path(str(repo_root / 'tools' / f'{name}.py'))
    stock = stock_tool.load_stock_tool(name)
    captured = []

    def capture(self, *args):
        captured.append(self)
        return argparse.Namespace(local_rank=0)

    monkeypatch.setenv('LOCAL_RANK', '0')
    with monkeypatch.context() as patch:
        patch.setattr(argparse.ArgumentParser, 'parse_args', capture)
        stock.parse_args()
    known = ours['build_parser']()._option_string_actions
    options = captured[0]._option_string_actions
    assert len(options) > 10
    for option, action in options.items():
        for key in ('dest', 'nargs', 'const', 'default', 'choices'):
            assert getattr(known[option], key) == getattr(action, key), option
        # argparse takes None for str.
        assert (known[option].type or str) is (action.type or str), option
        assert type(known[option]) is type(action) or (
            option == '--cfg-options')
    assert [action.dest for action in captured[0]._actions
            if not action.option_strings] == (
                ['config', 'checkpoint'] if name == 'test' else ['config'])


@pytest.mark.parametrize('error, kinds', [
    (ValueError('no --size'), ()),
    (FileNotFoundError('no --size'), ()),
    (RuntimeError('no --size'), (RuntimeError, )),
    (RuntimeError('Caught ValueError in worker.\nTraceback\n'
                  'ValueError: no --size\n'), (RuntimeError, )),
])
def test_a_mistake_is_a_sentence_and_2(capsys, error, kinds):

    @command_line.command(*kinds)
    def main():
        raise error

    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 2
    assert capsys.readouterr().err == 'error: no --size\n'


def test_other_faults_keep_their_traceback():

    @command_line.command()
    def main():
        raise KeyError('a fault')

    with pytest.raises(KeyError):
        main()


@pytest.mark.parametrize('status', [None, 0, 1])
def test_status(status):
    main = command_line.command()(lambda: status)
    if status:
        with pytest.raises(SystemExit) as caught:
            main()
        assert caught.value.code == status
    else:
        main()


def test_a_closed_pipe_is_no_fault(start_command, repo_root):
    """As with `| head`: neither a sentence nor a traceback."""
    code = ('import command_line\n'
            '@command_line.command()\n'
            'def main():\n'
            '    while True: print("line")\n'
            'main()\n')
    with start_command([sys.executable, '-c', code],
                       env=dict(PYTHONPATH=str(repo_root / 'tools')),
                       stdout=subprocess.PIPE,
                       stderr=subprocess.PIPE) as process:
        assert process.stdout.readline() == b'line\n'
        process.stdout.close()
        assert process.stderr.read() == b''
        assert process.wait() == 141


@pytest.mark.parametrize('value, is_right', [
    (None, True), (1, True), (0.5, True), (0, False), (-1, False),
    (float('inf'), False), (float('nan'), False)])
def test_numbers_above_zero(value, is_right):
    args = argparse.Namespace(batch_size=value)
    if is_right:
        command_line.check_above_zero(args, 'batch_size')
    else:
        with pytest.raises(ValueError, match=f'--batch-size .* {value}$'):
            command_line.check_above_zero(args, 'batch_size')


@pytest.fixture
def parser():
    parser = command_line.tool_parser('')
    command_line.add_run_options(parser, 'settings')
    return parser


def test_defaults_are_one_gpu_and_the_shipped_configs(parser, repo_root):
    args = parser.parse_args([])
    assert args.gpus == 1 and args.cfg_options is None
    assert args.configs_dir == repo_root / 'configs'


def test_values_are_those_of_a_config(parser):
    args = parser.parse_args([
        '--gpus', '0', '--cfg-options', 'train_cfg.max_epochs=3', 'a=[1,2]',
        'b.c=x=y', '--configs-dir', 'mine'
    ])
    assert args.cfg_options == {
        'train_cfg.max_epochs': 3, 'a': [1, 2], 'b.c': 'x=y'}
    assert args.gpus == 0 and args.configs_dir == Path('mine')


@pytest.mark.parametrize('option', ['x.y', '=1', ''])
def test_what_is_no_setting_ends_with_the_usage(parser, capsys, option):
    with pytest.raises(SystemExit) as caught:
        parser.parse_args(['--cfg-options', option])
    assert caught.value.code == 2
    assert 'KEY=VALUE' in capsys.readouterr().err


def test_threads_sleep_while_they_wait_unless_a_user_knows_better(monkeypatch):
    monkeypatch.delenv('OMP_WAIT_POLICY', raising=False)
    seen = []

    @command_line.command()
    def main():
        seen.append(os.environ['OMP_WAIT_POLICY'])

    main()
    monkeypatch.setenv('OMP_WAIT_POLICY', 'ACTIVE')
    main()
    assert seen == ['PASSIVE', 'ACTIVE']
