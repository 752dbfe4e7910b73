# SPDX-License-Identifier: Apache-2.0
"""The command uftsn: it knows all tools, and how each ended."""
import signal
import subprocess
import sys

import pytest


@pytest.fixture
def command(repo_root):
    return [sys.executable, '-W', 'ignore', repo_root / 'uftsn_command.py']


def test_every_tool_has_a_command(repo_root, monkeypatch):
    monkeypatch.syspath_prepend(str(repo_root))
    import uftsn_command
    files = {path.stem for path in (repo_root / 'tools').glob('*.py')}
    assert {*uftsn_command.COMMANDS.values()} == files - {
        'command_line', 'end_on_signals', 'stock_tool'}
    listed = uftsn_command.usage(repo_root / 'tools')
    for name in uftsn_command.COMMANDS:
        assert f'\n  {name} ' in listed


def test_head_of_the_list_says_nothing_of_a_pipe(command, start_command):
    with start_command([*command, '--help'], stdout=subprocess.PIPE,
                       stderr=subprocess.PIPE) as process:
        process.stdout.close()
        assert process.stderr.read() == b''
        assert process.wait() == 141


@pytest.mark.parametrize('args, words', [
    (['nothing'], "error: the command 'nothing' is unknown"),
    (['extract'], 'usage: uftsn extract'),
    (['check', 'none.txt'], 'error: list '),
])
def test_a_mistake_ends_with_2(command, run_command, tmp_path, args, words):
    done = run_command([*command, *args], status=2, cwd=tmp_path)
    assert words in done.stderr and 'Traceback' not in done.stderr


def test_ctrl_c_ends_with_130(command, start_command, tmp_path):
    wait = tmp_path / 'sitecustomize.py'
    # Waits in the first import after that of end_on_signals.
    wait.write_text(
        'import os, signal, sys, time\n'
        'signal.signal(signal.SIGINT, signal.default_int_handler)\n'
        'class Wait:\n'
        '    def find_spec(self, name, path=None, target=None):\n'
        "        if name.partition('.')[0] == 'uftsn_mmaction' and "
        "'end_on_signals' in sys.modules:\n"
        "            os.write(1, b'ready\\n')\n"
        '            time.sleep(10_000)\n'
        'sys.meta_path.insert(0, Wait())\n')
    with start_command([*command, 'predict', 'a.mp4', '--out', 'b.mp4'],
                       env=dict(PYTHONPATH=str(tmp_path)), cwd=tmp_path,
                       stdout=subprocess.PIPE,
                       stderr=subprocess.PIPE) as process:
        assert process.stdout.readline() == b'ready\n'
        process.send_signal(signal.SIGINT)
        said = process.stderr.read().decode()
        assert process.wait() == 130
    assert said == 'ended by SIGINT\n'
