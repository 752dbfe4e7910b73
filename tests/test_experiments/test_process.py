# SPDX-License-Identifier: Apache-2.0
"""No process is left behind, as a training would go on writing."""
import os
import signal
import subprocess
import sys

import pytest

from uftsn_mmaction.experiments.process import run_process

# A child with a child of its own, as mim has the trainer; both write where
# they are, and the second one does not end when it is asked to.
CHILD = """
import os, pathlib, signal, subprocess, sys, time
folder, name = sys.argv[1:]
if name == 'grandchild':
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
else:
    subprocess.Popen([sys.executable, __file__, folder, 'grandchild'])
part = pathlib.Path(folder, name + '.part')
part.write_text(str(os.getpid()))
part.rename(pathlib.Path(folder, name + '.pid'))
time.sleep(10_000)
"""
# Stands in for the packages, as importing torch takes seconds.
PARENT = """
import signal, sys, types
from pathlib import Path
# Python leaves it alone where whoever started the tests ignores it.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)
package, tools = Path(sys.argv[1]), sys.argv[2]
sys.path.insert(0, tools)
import end_on_signals
for name in ('uftsn_mmaction', 'uftsn_mmaction.experiments'):
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__path__ = [str(package.joinpath(*name.split('.')[1:]))]
from uftsn_mmaction.experiments.process import run_process
run_process([sys.executable, *sys.argv[3:]])
"""


def is_alive(pid):
    try:
        with open(f'/proc/{pid}/stat', encoding='utf-8') as file:
            # An orphan that nobody has waited for is dead all the same.
            return file.read().rpartition(')')[2].split()[0] != 'Z'
    except FileNotFoundError:
        return False


def test_exit_status_and_environment():
    code = 'import os, sys; sys.exit(int(os.environ["STATUS"]))'
    for status in (0, 7):
        assert run_process([sys.executable, '-c', code],
                           dict(STATUS=str(status))) == status
    assert 'STATUS' not in os.environ


@pytest.mark.skipif(
    not os.path.isdir('/proc/self'), reason='needs the /proc of Linux')
@pytest.mark.parametrize(
    'number', [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGKILL])
def test_interruption_ends_all_descendants(tmp_path, number, start_command,
                                           wait_until, repo_root):
    child = tmp_path / 'child.py'
    child.write_text(CHILD)
    command = [
        sys.executable, '-c', PARENT, repo_root / 'uftsn_mmaction',
        repo_root / 'tools', child, tmp_path, 'child'
    ]
    files = [tmp_path / f'{name}.pid' for name in ('child', 'grandchild')]
    with start_command(command, stderr=subprocess.PIPE) as parent:
        wait_until(lambda: all(path.exists() for path in files), parent)
        parent.send_signal(number)
        wait_until(lambda: parent.poll() is not None)
        pids = [int(path.read_text()) for path in files]
        if number == signal.SIGKILL:
            # A child ends its own children itself.
            assert parent.returncode == -number
            del pids[1]
        else:
            assert parent.returncode == 128 + number
        wait_until(lambda: not any(map(is_alive, pids)))
