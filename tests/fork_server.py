# SPDX-License-Identifier: Apache-2.0
"""Programs in Python that need not import torch and MMAction2 again.

The imports take most of the time of a short training. The server has done
them, and each program is a fork of it, in which nothing has run before: its
own process with its arguments, environment, folder, files and exit status.
It is for tests of what a program does, not of how it starts or is installed.

    python fork_server.py ADDRESS
"""
from __future__ import annotations

import contextlib
import gc
import os
import pickle
import runpy
import select
import signal
import socket
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

#: Variables of this prefix mark a program and its descendants.
MARK = 'TEST_COMMAND_'


class ForkedPopen(subprocess.Popen):
    """``Popen`` that lets the server fork a program in Python.

    Other programs, and options that a fork cannot follow, are started as
    usual. Python 3.10 to 3.13 share the three methods that are replaced.
    """

    #: Socket of the server.
    address: str

    def _execute_child(self, args, executable, preexec_fn, close_fds, pass_fds,
                       cwd, env, startupinfo, creationflags, shell, *more):
        pipes, (_, _, _, _, _, new_session, *_) = more[:6], more[6:]
        program = None
        if not (executable or pass_fds or shell or isinstance(args, str)):
            program = python_program([os.fspath(word) for word in args],
                                     cwd or '.')
        if program is None:
            return super()._execute_child(
                args, executable, preexec_fn, close_fds, pass_fds, cwd, env,
                startupinfo, creationflags, shell, *more)
        request = dict(
            program, cwd=os.path.abspath(cwd or '.'), owner=os.getpid(),
            env=dict(os.environ if env is None else env),
            new_session=new_session, preexec_fn=preexec_fn)
        files = [number if pipe == -1 else pipe
                 for number, pipe in enumerate((pipes[0], pipes[3], pipes[5]))]
        self._keeper = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._keeper.connect(self.address)
        socket.send_fds(self._keeper, [pickle.dumps(request)], files)
        self.pid = int(self._keeper.recv(100))
        self._child_created = True
        self._close_pipe_fds(*pipes)

    def _internal_poll(self, *args, **kwargs):
        if not hasattr(self, '_keeper'):
            return super()._internal_poll(*args, **kwargs)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._wait(0)
        return self.returncode

    def _wait(self, timeout):
        if not hasattr(self, '_keeper'):
            return super()._wait(timeout)
        if self.returncode is None:
            if not select.select([self._keeper], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(self.args, timeout)
            # Nothing comes from a keeper that was killed.
            self.returncode = int(self._keeper.recv(100) or -signal.SIGKILL)
            self._keeper.close()
        return self.returncode


def python_program(args: list[str], cwd: str) -> dict[str, Any] | None:
    """Return what to run of a command, or None if it needs a new process."""
    bin_dir = Path(sys.executable).parent
    program, *rest = args
    path = Path(program)
    if path.parent == bin_dir and path.name not in ('python', 'python3',
                                                    Path(sys.executable).name):
        # A command of an installed package.
        with open(path, 'rb') as file:
            if file.readline().strip() != b'#!' + os.fsencode(sys.executable):
                return None
        return dict(path=program, module=None, argv=args, quiet=False)
    if path.parent != bin_dir:
        return None
    quiet = rest[:2] == ['-W', 'ignore']
    rest = rest[2 * quiet:]
    if rest[:1] == ['-u']:
        rest = rest[1:]
    if rest[:1] == ['-m']:
        return dict(path=None, module=rest[1], argv=rest[1:], quiet=quiet)
    if rest and Path(cwd, rest[0]).is_file():
        return dict(path=rest[0], module=None, argv=rest, quiet=quiet)
    return None


def serve(address: str) -> tuple[dict[str, Any], list[int]]:
    """Fork for each request; return in the fork, with request and files."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.bind(address)
    listener.listen()
    # Nobody waits for the keepers.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        connection, _ = listener.accept()
        if not os.fork():
            listener.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            return keep(connection)
        connection.close()


def keep(connection: socket.socket) -> tuple[dict[str, Any], list[int]]:
    """Be the parent of a program in place of whoever asked for it.

    That is to tell its id and, at the end, its status. It ends before the
    program if whoever asked does, so that the program is an orphan then; one
    that was to share a group with whoever asked cannot, and is killed.
    """
    data, files, _, _ = socket.recv_fds(connection, 1 << 20, 3)
    request = pickle.loads(data)
    child = os.fork()
    if not child:
        os.setsid() if request['new_session'] else os.setpgid(0, 0)
        if request['preexec_fn']:
            request['preexec_fn']()
        connection.send(str(os.getpid()).encode())
        connection.close()
        return request, files
    for file in files:
        os.close(file)
    ends = [os.pidfd_open(pid) for pid in (child, request['owner'])]
    select.select(ends, [], [])
    pid, status = os.waitpid(child, os.WNOHANG)
    if pid:
        with contextlib.suppress(OSError):
            connection.send(str(os.waitstatus_to_exitcode(status)).encode())
    elif not request['new_session']:
        os.killpg(child, signal.SIGKILL)
    os._exit(0)


def become(request: dict[str, Any], files: list[int]) -> None:
    """Give this process what the request says, and run its program."""
    import numpy
    import torch

    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    os.chdir(request['cwd'])
    known = os.environ.get('PYTHONPATH', '').split(os.pathsep)
    os.environ.clear()
    os.environ.update(request['env'])
    # A fork shows the environment of the server to others, and its own files.
    for name in os.environ:
        if name.startswith(MARK):
            os.memfd_create(name)
    torch.set_num_threads(
        int(os.environ.get('OMP_NUM_THREADS', os.cpu_count())))
    numpy.random.seed()
    if request['quiet']:
        sys.warnoptions[:] = ['ignore']
        warnings.simplefilter('ignore')
    paths = os.environ.get('PYTHONPATH', '').split(os.pathsep)
    sys.path[:] = [
        os.path.dirname(os.path.abspath(request['path'] or 'here')),
        *(os.path.abspath(path) for path in paths if path),
        *(path for path in sys.path[1:] if path not in known)]
    sys.argv[:] = request['argv']
    if request['module']:
        runpy.run_module(request['module'], run_name='__main__',
                         alter_sys=True)
    else:
        runpy.run_path(os.path.abspath(request['path']), run_name='__main__')


if __name__ == '__main__':
    ForkedPopen.address = sys.argv[1]
    # Before what keeps the name, so that programs that a program starts are
    # forks as well.
    subprocess.Popen = ForkedPopen

    import mmaction.apis  # noqa: F401
    import mmpretrain.models  # noqa: F401
    import torch.distributed.run  # noqa: F401
    from mmaction.utils import register_all_modules

    import uftsn_mmaction  # noqa: F401
    from uftsn_mmaction.models.flow import precision

    register_all_modules(init_default_scope=False)
    # As in the tests themselves, see conftest.py.
    precision.is_good_at_bfloat16 = lambda device: False
    # Python leaves it alone where whoever started the tests ignores it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # No fork is to copy all that was imported, just to look for garbage.
    gc.freeze()
    become(*serve(sys.argv[1]))
