# SPDX-License-Identifier: Apache-2.0
"""Nothing that a test started outlives it."""
import subprocess
import sys
from pathlib import Path

import processes
import pytest

# Starts a child in its own session, and that child one in another session;
# all ignore requests to end, say who they are and go on.
FAMILY = """
import os, pathlib, signal, subprocess, sys, time
folder, depth = sys.argv[1], int(sys.argv[2])
for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
if depth:
    subprocess.Popen([sys.executable, __file__, folder, str(depth - 1)],
                     start_new_session=True)
part = pathlib.Path(folder, f'{depth}.part')
part.write_text(str(os.getpid()))
part.rename(pathlib.Path(folder, f'{depth}.pid'))
time.sleep(10_000)
"""
# A test run that starts the family and waits, for its own end.
TEST = """
def test(start_command, wait_until):
    with start_command({command!r}) as process:
        wait_until(lambda: False, process)
"""

pytestmark = pytest.mark.skipif(
    not processes.find_marked('PATH='), reason='needs the /proc of Linux')


class Family:
    """Three generations of processes and the files of their ids."""

    def __init__(self, folder):
        (folder / 'family.py').write_text(FAMILY)
        self.command = [sys.executable, str(folder / 'family.py'),
                        str(folder), '2']  # yapf: disable
        self.files = [folder / f'{depth}.pid' for depth in range(3)]

    def is_complete(self):
        return all(path.exists() for path in self.files)

    def alive(self):
        """Members that run; one that nobody waited for does not."""
        return [path.stem for path in self.files if path.exists()
                and processes.is_running(int(path.read_text()))]


@pytest.fixture
def family(tmp_path):
    return Family(tmp_path)


def test_timed_out_command_ends_with_its_descendants(family, run_command):
    timeout = 1
    # Longer where the machine is too busy to start them in that time.
    while not family.is_complete():
        with pytest.raises(subprocess.TimeoutExpired):
            run_command(family.command, timeout=timeout)
        timeout *= 2
    assert family.alive() == []


@pytest.mark.parametrize('fork', [False, True])
def test_interrupted_test_ends_what_it_started(family, start_command,
                                               wait_until, fork):
    with pytest.raises(KeyboardInterrupt):
        with start_command(family.command, fork=fork) as process:
            wait_until(family.is_complete, process)
            assert family.alive() == ['0', '1', '2']
            raise KeyboardInterrupt
    assert family.alive() == []


def test_orphans_of_a_finished_command_end(family, run_command):
    """Also those that keep its output open."""
    done = run_command([
        sys.executable, '-c',
        'import subprocess, sys; print("done"); '
        'subprocess.Popen(sys.argv[1:])', *family.command
    ])
    assert done.stdout == 'done\n'
    assert family.alive() == []


def test_killed_test_run_leaves_nothing(family, start_command, wait_until,
                                        tmp_path):
    (tmp_path / 'test_it.py').write_text(TEST.format(command=family.command))
    command = [
        sys.executable, '-m', 'pytest', '-q', '-p', 'processes', '-p',
        'no:cacheprovider', '--rootdir', tmp_path, tmp_path / 'test_it.py'
    ]
    folder = str(Path(processes.__file__).parent)
    with start_command(
            command, env=dict(PYTHONPATH=folder), cwd=tmp_path) as run:
        wait_until(family.is_complete, run)
        run.kill()
        wait_until(lambda: not family.alive())
    assert family.alive() == []


def test_exit_status_environment_and_output(run_command):
    code = 'import os, sys; print("out"); sys.exit(os.environ["STATUS"])'
    command = [sys.executable, '-c', code]
    done = run_command(command, status=1, env=dict(STATUS='why'))
    assert (done.returncode, done.stdout, done.stderr) == (1, 'out\n', 'why\n')
    assert run_command(command, status=None, env=dict(STATUS='')).returncode
    with pytest.raises(AssertionError, match='(?s) ended with 1:.*out.*why'):
        run_command(command, env=dict(STATUS='why'))
