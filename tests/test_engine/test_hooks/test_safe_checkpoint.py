# SPDX-License-Identifier: Apache-2.0
import os
import shutil

import pytest
import torch
from mmengine.fileio import LocalBackend

from uftsn_mmaction.fileio.atomic import AtomicLocalBackend

STEPS = 3  # of an epoch of the tiny runner


@pytest.fixture
def build(tiny_runner):
    """Function that builds a runner with the hook."""

    def build(work_dir, length, *, resume=False, load_from=None, **hook):
        settings = dict(
            type='SafeCheckpointHook', backend_args=dict(backend='atomic'))
        return tiny_runner(
            work_dir, length, resume=resume, load_from=load_from,
            default_hooks=dict(checkpoint={**settings, **hook}),
            custom_hooks=[dict(type='EpochSeedHook')])  # yapf: disable

    return build


def files(folder):
    return sorted(path.name for path in folder.glob('*.pth'))


def weight(folder, name):
    return torch.load(folder / name)['state_dict']['weight']


def no_pointer(folder):
    (folder / 'last_checkpoint').unlink()


def empty_pointer(folder):
    (folder / 'last_checkpoint').write_text('')


def pointer_elsewhere(folder):
    (folder / 'last_checkpoint').write_text(str(folder.parent / 'x.pth'))


def newest_cut_off(folder):
    os.truncate(folder / 'epoch_2.pth', 900)


@pytest.mark.parametrize('harm, done', [
    (no_pointer, 2),
    (empty_pointer, 2),
    (pointer_elsewhere, 2),
    (newest_cut_off, 1),
])
def test_resumes_from_what_is_there(build, tmp_path, harm, done):
    build(tmp_path / 'whole', 3, interval=1).train()
    folder = tmp_path / 'part'
    build(folder, 2, interval=1).train()
    harm(folder)
    runner = build(folder, 3, interval=1, resume=True)
    runner.train()
    assert len(runner.model.seen) == STEPS * (3 - done)
    expected = weight(tmp_path / 'whole', 'epoch_3.pth')
    assert torch.equal(weight(folder, 'epoch_3.pth'), expected)


def test_a_copy_leaves_the_original_alone(build, tmp_path):
    old, new = tmp_path / 'old', tmp_path / 'new'
    hook = dict(interval=1, save_best='tiny/score', rule='greater')
    build(old, 2, **hook).train()
    shutil.copytree(old, new)
    before = {path: path.read_bytes() for path in old.glob('*')
              if path.is_file()}
    build(new, 3, resume=True, **hook).train()
    assert before == {path: path.read_bytes() for path in old.glob('*')
                      if path.is_file()}
    # RisingScore begins anew, so that nothing is better than before.
    assert 'best_tiny_score_epoch_2.pth' in files(new)
    shutil.move(old, tmp_path / 'moved')
    runner = build(tmp_path / 'moved', 3, resume=True, **hook)
    runner.val_evaluator.metrics[0].calls = 5
    runner.train()
    assert files(tmp_path / 'moved') == [
        'best_tiny_score_epoch_3.pth', 'epoch_1.pth', 'epoch_2.pth',
        'epoch_3.pth'
    ]


def test_says_what_it_takes_and_passes_over(build, tmp_path, monkeypatch):
    build(tmp_path, 2, interval=1).train()
    newest_cut_off(tmp_path)
    runner = build(tmp_path, 2, interval=1, resume=True)
    said = []
    monkeypatch.setattr(runner.logger, 'info',
                        lambda text, *args: said.append(str(text)))
    runner.train()
    text, = (text for text in said if text.startswith('Resumes from'))
    assert 'epoch_1.pth (epoch 1, iteration 3)' in text
    assert 'epoch_2.pth: ' in text


def test_without_a_sound_one_nothing_is_trained(build, tmp_path):
    build(tmp_path, 2, interval=1).train()
    for name in ('epoch_1.pth', 'epoch_2.pth'):
        os.truncate(tmp_path / name, 900)
    runner = build(tmp_path, 3, interval=1, resume=True)
    with pytest.raises(ValueError, match='epoch_1.pth: .*epoch_2.pth: '):
        runner.train()
    assert runner.model.seen == []


def test_a_given_file_is_checked(build, tmp_path):
    build(tmp_path, 2, interval=1).train()
    newest_cut_off(tmp_path)
    given = str(tmp_path / 'epoch_2.pth')
    with pytest.raises(ValueError, match='epoch_2.pth.*--resume'):
        build(tmp_path, 3, resume=True, load_from=given).train()


def test_an_empty_folder_begins_anew(build, tmp_path):
    runner = build(tmp_path, 1, interval=1, resume=True)
    runner.train()
    assert len(runner.model.seen) == STEPS


def test_does_not_begin_over_a_training(build, tmp_path):
    build(tmp_path, 1, interval=1).train()
    before = (tmp_path / 'epoch_1.pth').read_bytes()
    runner = build(tmp_path, 1, interval=1)
    with pytest.raises(ValueError, match='epoch_1.pth.*--resume'):
        runner.train()
    assert runner.model.seen == []
    assert (tmp_path / 'epoch_1.pth').read_bytes() == before
    # Neither from the weights of another one.
    build(tmp_path / 'other', 1, interval=1).train()
    with pytest.raises(ValueError, match='--work-dir'):
        build(tmp_path, 1, interval=1,
              load_from=str(tmp_path / 'other' / 'epoch_1.pth')).train()
    # A test writes no checkpoints.
    build(tmp_path, 1, interval=1, save_best='tiny/score',
          rule='greater').val()
    assert files(tmp_path) == ['epoch_1.pth']


@pytest.mark.parametrize('keep', [1, 2, 4, 7])
def test_keeps_the_newest(build, tmp_path, keep):
    build(tmp_path, 6, interval=1, max_keep_ckpts=keep).train()
    expected = [f'epoch_{n}.pth' for n in range(1, 7)][-keep:]
    assert files(tmp_path) == expected


@pytest.mark.parametrize('keep', [1, 2])
def test_a_kill_before_the_next_is_written_loses_nothing(
        build, tmp_path, monkeypatch, keep):
    hook = dict(interval=1, max_keep_ckpts=keep, save_best='tiny/score',
                rule='greater')
    build(tmp_path, 3, **hook).train()
    kept = files(tmp_path)
    assert kept == ['best_tiny_score_epoch_3.pth', 'epoch_2.pth',
                    'epoch_3.pth'][::3 - keep]

    put = AtomicLocalBackend.put

    def train_until(name):
        """Train one more epoch, but end where a file would be written."""

        def kill(self, obj, path):
            if str(path).endswith('/' + name):
                raise KeyboardInterrupt
            put(self, obj, path)

        runner = build(tmp_path, 4, resume=True, **hook)
        runner.val_evaluator.metrics[0].calls = 9
        with monkeypatch.context() as patch:
            patch.setattr(AtomicLocalBackend, 'put', kill)
            with pytest.raises(KeyboardInterrupt):
                runner.train()

    train_until('epoch_4.pth')
    assert files(tmp_path) == kept
    train_until('best_tiny_score_epoch_4.pth')
    assert {'best_tiny_score_epoch_3.pth', 'epoch_4.pth'} <= {
        *files(tmp_path)}


def test_a_kill_before_the_removal_leaves_nothing_behind(
        build, tmp_path, monkeypatch):
    hook = dict(interval=1, max_keep_ckpts=1)
    with monkeypatch.context() as patch:
        patch.setattr(LocalBackend, 'remove', lambda *args: None)
        build(tmp_path, 2, **hook).train()
    assert files(tmp_path) == ['epoch_1.pth', 'epoch_2.pth']
    build(tmp_path, 3, resume=True, **hook).train()
    assert files(tmp_path) == ['epoch_3.pth']


def test_the_pointer_has_no_folder_and_is_never_half(build, tmp_path,
                                                     monkeypatch):
    build(tmp_path / 'run', 1, interval=1).train()
    assert (tmp_path / 'run/last_checkpoint').read_text() == 'epoch_1.pth'
    build(tmp_path / 'run2', 1, interval=1,
          out_dir=str(tmp_path / 'far')).train()
    assert (tmp_path / 'run2/last_checkpoint').read_text() == (
        '../far/run2/epoch_1.pth')
    # It is found there as well.
    runner = build(tmp_path / 'run2', 2, interval=1, resume=True,
                   out_dir=str(tmp_path / 'far'))
    runner.train()
    assert len(runner.model.seen) == STEPS
