# SPDX-License-Identifier: Apache-2.0
"""Ctrl-C and signals, while a tool imports and while it works."""
import signal
import subprocess
import sys
from pathlib import Path

import pytest

TOOLS = sorted((Path(__file__).parents[2] / 'tools').glob('*.py'))
NOT_TOOLS = 'command_line.py', 'end_on_signals.py', 'stock_tool.py'

# Waits instead of the first import after the signals.
WAITING = """
import os, sys, time
from pathlib import Path
class Wait:
    def find_spec(self, name, path=None, target=None):
        if name.partition('.')[0] in ('argparse', 'uftsn_mmaction'):
            os.write(1, b'ready\\n')
            time.sleep(10_000)
sys.path.insert(0, os.path.dirname(sys.argv[1]))
sys.meta_path.insert(0, Wait())
import runpy
import os
import signal
# Python leaves it alone where whoever started the tests ignores it.
signal.signal(signal.SIGINT, signal.default_int_handler)
runpy.run_path(sys.argv[1], run_name='__main__')
"""


# Reports an error, in a forked child or in the tool itself.
REPORTING = """
import os, sys
sys.path.insert(0, sys.argv[1])
import end_on_signals
if sys.argv[2] == 'tool' or os.fork() == 0:
    try:
        raise getattr(__builtins__, sys.argv[3])
    except Exception:
        sys.excepthook(*sys.exc_info())
else:
    os.wait()
"""


@pytest.mark.parametrize('place, error, is_said', [
    ('worker', 'EOFError', False), ('worker', 'ConnectionResetError', False),
    ('worker', 'ValueError', True), ('tool', 'EOFError', True)])
def test_a_worker_says_nothing_of_a_lost_parent(run_command, place, error,
                                                is_said):
    """While a batch is handed over, its listener would."""
    done = run_command([sys.executable, '-c', REPORTING, TOOLS[0].parent,
                        place, error])
    assert (error in done.stderr) == is_said


@pytest.mark.parametrize('tool', [
    path for path in TOOLS if path.name not in NOT_TOOLS],
    ids=lambda path: path.stem)  # yapf: disable
@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_ends_with_one_line(tool, number, start_command):
    with start_command([sys.executable, '-c', WAITING, tool],
                       stdout=subprocess.PIPE,
                       stderr=subprocess.PIPE) as process:
        assert process.stdout.readline() == b'ready\n'
        process.send_signal(number)
        said = process.stderr.read().decode()
        assert process.wait() == 128 + number
    assert said == f'ended by {number.name}\n'
