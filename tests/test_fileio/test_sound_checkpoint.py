# SPDX-License-Identifier: Apache-2.0
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from uftsn_mmaction.fileio.sound_checkpoint import (
    INTERRUPTED,
    list_checkpoints,
    newest_sound,
)


def write(path, iter, epoch=0, value=0.5, **changes):
    weights = torch.full((1000, ), float(value))
    content = dict(
        meta=dict(iter=iter, epoch=epoch),
        state_dict=dict(weight=weights),
        optimizer=dict(state={0: dict(moment=[weights.clone()])}),
        message_hub=dict())
    torch.save({**content, **changes}, path)
    return path


def cut(path):
    path.write_bytes(path.read_bytes()[:-500])


def flip(path):
    """Change one value of a tensor, which PyTorch reads all the same."""
    content = bytearray(path.read_bytes())
    content[content.index(b'\0\0\0?' * 9) + 2] ^= 4
    path.write_bytes(content)
    torch.load(path)


def test_the_progress_decides_and_not_the_name_or_the_date(tmp_path):
    write(tmp_path / INTERRUPTED, 25, 2)
    write(tmp_path / 'epoch_10.pth', 90, 10)
    write(tmp_path / 'iter_95.pth', 95, 10)
    write(tmp_path / 'epoch_9.pth', 81, 9)
    write(tmp_path / 'best_acc_epoch_99.pth', 891, 99)
    path, progress, faults = newest_sound(tmp_path)
    assert path.name == 'iter_95.pth' and progress == (95, 10)
    assert faults == {}
    # The end of an epoch is later than its last iteration.
    write(tmp_path / INTERRUPTED, 95, 11)
    assert newest_sound(tmp_path)[0].name == INTERRUPTED


def test_templates_of_a_config_count(tmp_path):
    names = ['run.1.epoch_{}.pth', 'step{}.pth']
    for name in ('run.1.epoch_5.pth', 'step7.pth', 'runX1.epoch_5.pth'):
        (tmp_path / name).touch()
    found = {path.name for path in list_checkpoints(tmp_path, *names)}
    assert found == {'run.1.epoch_5.pth', 'step7.pth'}
    assert list_checkpoints(tmp_path / 'missing') == []


@pytest.mark.parametrize('harm', [
    cut, flip, lambda path: path.write_bytes(b''),
    lambda path: path.write_text('text'),
    lambda path: write(path, 6, value=torch.nan),
    lambda path: write(path, -1), lambda path: write(path, '6'),
    lambda path: write(path, 6, optimizer=None),
    lambda path: torch.save(['a list'], path),
    lambda path: write(path, 6, message_hub=dict(code=newest_sound)),
])  # yapf: disable
def test_a_damaged_one_is_passed_over(tmp_path, harm):
    write(tmp_path / 'epoch_1.pth', 3)
    harm(write(tmp_path / 'epoch_2.pth', 6))
    path, progress, faults = newest_sound(tmp_path)
    assert path.name == 'epoch_1.pth' and progress.iter == 3
    assert list(faults) == ['epoch_2.pth']
    cut(tmp_path / 'epoch_1.pth')
    path, progress, faults = newest_sound(tmp_path)
    assert path is None and sorted(faults) == ['epoch_1.pth', 'epoch_2.pth']


def test_infinity_may_be_a_constant(tmp_path):
    write(tmp_path / 'epoch_1.pth', 3, value=torch.inf)
    assert newest_sound(tmp_path)[1] == (3, 0)


@given(
    place=st.floats(0, 1), bit=st.integers(0, 7), cut=st.booleans())
def test_any_damage_is_noticed_or_harmless(tmp_path, place, bit, cut):
    """One bit anywhere, or all from there on."""
    path = write(tmp_path / 'epoch_2.pth', 6)
    content = bytearray(path.read_bytes())
    start = int(place * (len(content) - 1))
    if cut:
        del content[start:]
    else:
        content[start] ^= 1 << bit
    path.write_bytes(content)
    found, progress, faults = newest_sound(tmp_path)
    if found is None:
        reason, = faults.values()
        assert reason and '\n' not in reason
    else:
        # Names, dates and padding of the archive are not the content.
        assert not cut and progress == (6, 0)
        weight = torch.load(found)['state_dict']['weight']
        assert torch.equal(weight, torch.full((1000, ), 0.5))
