# SPDX-License-Identifier: Apache-2.0
"""A fork is the program that a new process would be."""
import json
import os
import signal
import subprocess
import sys

import pytest

# Says what it is, and ends as it is told.
PROGRAM = """
import json, os, sys
import module
print(json.dumps(dict(
    argv=sys.argv[1:], cwd=os.getcwd(), env=dict(os.environ),
    main=sys.modules['__main__'].__file__, leads=os.getsid(0) == os.getpid(),
    stdin=sys.stdin.read(), module=module.__file__, name=__name__,
    torch='torch' in sys.modules, files=len(os.listdir('/proc/self/fd')))))
sys.stderr.write('said')
sys.exit(eval(sys.argv[1]))
"""
# Starts a program as a tool of the repository does, and is killed.
PARENT = """
import os, signal, subprocess, sys
from functools import partial
from uftsn_mmaction.lifetime import end_with_parent
child = subprocess.Popen(
    [sys.executable, 'child.py'], start_new_session=True,
    preexec_fn=partial(end_with_parent, signal.SIGTERM))
print(child.pid, flush=True)
child.wait()
"""
CHILD = """
import signal, sys, time
def end(*_):
    open('terminated', 'w').close()
    sys.exit()
signal.signal(signal.SIGTERM, end)
open(f'ready_{"torch" in sys.modules}', 'w').close()
time.sleep(10_000)
"""

pytestmark = pytest.mark.skipif(
    not hasattr(os, 'pidfd_open'), reason='needs Linux')


@pytest.fixture
def folder(tmp_path):
    (tmp_path / 'library').mkdir()
    (tmp_path / 'library' / 'module.py').touch()
    for name, text in (('program', PROGRAM), ('parent', PARENT),
                       ('child', CHILD)):
        (tmp_path / f'{name}.py').write_text(text)
    return tmp_path


@pytest.mark.parametrize('start', [['program.py'], ['-m', 'program'],
                                   ['-W', 'ignore', '-u', 'program.py']])
def test_it_is_what_a_process_is(folder, run_command, start):
    found = []
    with open(folder / 'program.py') as file:
        for fork in (False, True):
            file.seek(0)
            done = run_command(
                [sys.executable, *start, '"why"', 'a b'], status=1, cwd=folder,
                env=dict(PYTHONPATH='library', LANGUAGE='xx'), stdin=file,
                fork=fork)
            assert done.stderr == 'saidwhy\n'
            said = json.loads(done.stdout)
            # The name of a mark is another one for each command.
            said['env'] = {key: value for key, value in said['env'].items()
                           if not key.startswith('TEST_COMMAND_')}
            found.append(said)
    process, fork = found
    assert [process.pop('torch'), fork.pop('torch')] == [False, True]
    # One more tells that it belongs to the command.
    assert fork.pop('files') == process.pop('files') + 1
    assert fork == process
    assert fork['argv'] == ['"why"', 'a b'] and fork['leads']


@pytest.mark.parametrize('code, status', [
    ('None', 0), ('3', 3), ('1 / 0', 1), ('os.abort()', -signal.SIGABRT),
    ('os.kill(os.getpid(), 9)', -signal.SIGKILL)])
def test_exit_status(folder, run_command, code, status):
    done = run_command([sys.executable, 'program.py', code], status=status,
                       cwd=folder, env=dict(PYTHONPATH='library'), fork=True)
    assert ('Traceback' in done.stderr) == (status == 1)


def test_its_programs_are_forks_and_end_with_it(folder, start_command,
                                                wait_until):
    with start_command(
            [sys.executable, 'parent.py'], cwd=folder, stdout=subprocess.PIPE,
            fork=True) as process:
        child = int(process.stdout.readline())
        wait_until((folder / 'ready_True').exists, process)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.01)
        assert process.poll() is None
        process.send_signal(signal.SIGKILL)
        assert process.wait() == process.poll() == -signal.SIGKILL
        wait_until((folder / 'terminated').exists)
        wait_until(lambda: not os.path.exists(f'/proc/{child}'))
        process.stdout.close()
