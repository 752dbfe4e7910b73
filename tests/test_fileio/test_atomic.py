# SPDX-License-Identifier: Apache-2.0
import errno
import multiprocessing
import os
import stat
from pathlib import Path

import pytest
from mmengine.fileio import get_file_backend
from mmengine.runner import CheckpointLoader

from uftsn_mmaction.fileio.atomic import AtomicLocalBackend, remove_leftovers

CHECKPOINT = dict(
    type='CheckpointHook', interval=1, backend_args=dict(backend='atomic'))


@pytest.fixture
def backend():
    return get_file_backend(backend_args=dict(backend='atomic'))


def names(folder):
    return sorted(entry.name for entry in os.scandir(folder))


def full_disk(descriptor):
    raise OSError(errno.ENOSPC, 'No space left on device')


def test_write_and_replace(backend, tmp_path):
    assert type(backend) is AtomicLocalBackend
    path = tmp_path / 'new' / 'folder' / 'a.pth'
    backend.put(b'old', path)
    backend.put(b'new', str(path))
    assert backend.get(path) == b'new'
    backend.put_text('ä\n', path, encoding='latin-1')
    assert path.read_bytes() == b'\xe4\n'
    assert names(path.parent) == ['a.pth']


def test_bare_name_in_working_directory(backend, tmp_cwd):
    backend.put(b'1', 'a.pth')
    assert (tmp_cwd / 'a.pth').read_bytes() == b'1'


def test_permissions_are_those_of_any_new_file(backend, tmp_path):
    (tmp_path / 'plain').write_bytes(b'')
    backend.put(b'', tmp_path / 'atomic')
    plain, atomic = (
        stat.S_IMODE(os.stat(tmp_path / name).st_mode)
        for name in ('plain', 'atomic'))
    assert atomic == plain


@pytest.mark.skipif(os.name == 'nt', reason='links need rights on Windows')
def test_link_stays_a_link(backend, tmp_path):
    (tmp_path / 'far').mkdir()
    (tmp_path / 'near').symlink_to(tmp_path / 'far' / 'a.pth')
    backend.put(b'1', tmp_path / 'near')
    assert (tmp_path / 'near').is_symlink()
    assert (tmp_path / 'far' / 'a.pth').read_bytes() == b'1'


@pytest.mark.parametrize('call', ['fsync', 'replace'])
def test_failed_write_changes_nothing(backend, tmp_path, monkeypatch, call):
    path = tmp_path / 'a.pth'
    backend.put(b'old', path)
    monkeypatch.setattr(os, call, lambda *args: full_disk(0))
    with pytest.raises(OSError, match='No space left'):
        backend.put(b'new', path)
    assert path.read_bytes() == b'old'
    assert names(tmp_path) == ['a.pth']


def _killed_before_rename(path):
    os.replace = lambda *args: os._exit(9)
    AtomicLocalBackend().put(b'new' * 1000, path)


@pytest.mark.skipif(
    'fork' not in multiprocessing.get_all_start_methods(),
    reason='needs fork')
def test_killed_write_leaves_the_old_file(backend, tmp_path):
    path = tmp_path / 'a.pth'
    backend.put(b'old', path)
    process = multiprocessing.get_context('fork').Process(
        target=_killed_before_rename, args=(path, ))
    process.start()
    process.join()
    assert process.exitcode == 9
    assert path.read_bytes() == b'old'
    # What is left is hidden, also from the listing of the backend.
    left = [name for name in names(tmp_path) if name != 'a.pth']
    assert len(left) == 1 and left[0].startswith('.a.pth.')
    assert list(backend.list_dir_or_file(tmp_path)) == ['a.pth']
    others = ['.b.tmp', f'b.{32 * "0"}.tmp', f'.b.{31 * "0"}.tmp']
    for name in others:
        (tmp_path / name).touch()
    remove_leftovers(tmp_path)
    assert names(tmp_path) == sorted(['a.pth', *others])


def test_checkpoint_hook(tiny_runner, tmp_path, monkeypatch):
    """All of the hook's checkpoints go through it, old ones are removed."""
    written = []
    put = AtomicLocalBackend.put
    monkeypatch.setattr(
        AtomicLocalBackend, 'put', lambda self, obj, path:
        (written.append(Path(path).name), put(self, obj, path)))
    hook = dict(
        CHECKPOINT, max_keep_ckpts=2, save_best='tiny/score', rule='greater')
    tiny_runner(
        tmp_path, 3, default_hooks=dict(checkpoint=hook)).train()

    files = [path.name for path in tmp_path.glob('*.pth')]
    assert sorted(files) == [
        'best_tiny_score_epoch_3.pth', 'epoch_2.pth', 'epoch_3.pth'
    ]
    # The hook writes the last one twice, the second time with the new best.
    assert set(written) == set(files) | {
        'epoch_1.pth', 'best_tiny_score_epoch_1.pth',
        'best_tiny_score_epoch_2.pth'
    }
    last = (tmp_path / 'last_checkpoint').read_text()
    assert last == str(tmp_path / 'epoch_3.pth')
    assert CheckpointLoader.load_checkpoint(last)['meta']['epoch'] == 3


def test_resume_after_a_failed_checkpoint(tiny_runner, tmp_path, monkeypatch):
    """A disk that fills up during epoch 2 costs that epoch only."""
    hooks = dict(checkpoint=dict(CHECKPOINT, max_keep_ckpts=2))
    tiny_runner(tmp_path, 1, default_hooks=hooks).train()
    with monkeypatch.context() as patch:
        patch.setattr(os, 'fsync', full_disk)
        with pytest.raises(OSError, match='No space left'):
            tiny_runner(
                tmp_path, 2, default_hooks=hooks, resume=True).train()
    assert [path.name for path in tmp_path.glob('*.pth')] == ['epoch_1.pth']
    assert not [name for name in names(tmp_path) if name.endswith('.tmp')]

    runner = tiny_runner(tmp_path, 2, default_hooks=hooks, resume=True)
    runner.train()
    # Three steps of one epoch: the first epoch was not repeated.
    assert len(runner.model.seen) == 3 and runner.iter == 6
