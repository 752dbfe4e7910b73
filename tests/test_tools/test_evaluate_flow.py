# SPDX-License-Identifier: Apache-2.0
"""The command line that measures estimators on pairs with known flow."""
import json
import runpy
import struct

import cv2
import numpy as np
import pytest
import torch
from bad_videos import encode

from uftsn_mmaction.datasets.flow_pairs import GeneratedPairs
from uftsn_mmaction.fileio.flow_file import read_flow
from uftsn_mmaction.models.flow_zoo import build_estimator
from uftsn_mmaction.models.other_flows.zero import ZeroFlowEstimator


@pytest.fixture
def evaluate(repo_root, monkeypatch, capsys, tmp_cwd):
    """Runs the tool in an empty folder; returns the lines it prints."""

    def evaluate(*args):
        monkeypatch.setattr('sys.argv', ['evaluate_flow.py', *args])
        runpy.run_path(
            str(repo_root / 'tools' / 'evaluate_flow.py'),
            run_name='__main__')
        return capsys.readouterr().out.splitlines()

    return evaluate


@pytest.fixture
def pairs(tmp_cwd):
    """Two pairs of files of different sizes: motion (3, 4), and (1, 0)."""
    rng = np.random.default_rng(0)
    lines = []
    for name, (u, v), (height, width) in (('a', (3, 4), (40, 56)),
                                          ('b', (1, 0), (33, 47))):
        big = rng.integers(0, 256, (height + 8, width + 8, 3))
        big = cv2.GaussianBlur(big.astype(np.uint8), (5, 5), 0)
        cv2.imwrite(f'{name}0.png', big[4:-4, 4:-4])
        cv2.imwrite(f'{name}1.png',
                    big[4 - v:height + 4 - v, 4 - u:width + 4 - u])
        flow = np.empty((height, width, 2), '<f4')
        flow[:] = u, v
        flow[:2] = 2e9  # unknown
        (tmp_cwd / f'{name}.flo').write_bytes(
            struct.pack('<fii', 202021.25, width, height) + flow.tobytes())
        lines.append(f'{name}0.png {name}1.png {name}.flo\n')
    (tmp_cwd / 'list.txt').write_text(''.join(lines))
    return tmp_cwd


def table(lines):
    """Cells of the table by the first word of its rows."""
    start = next(i for i, line in enumerate(lines)
                 if line.startswith('estimator '))
    stop = next(i for i, line in enumerate(lines) if line.startswith('Mean'))
    return {line.split()[0]: line for line in lines[start + 1:stop]}


def test_flow_of_own_frames_is_written(evaluate, pairs):
    pairs.joinpath('list.txt').write_text(
        'a0.png a1.png\nb0.png b1.png b.flo\n')
    lines = evaluate('--pairs', 'list.txt', '--estimator', 'tvl1', 'zero',
                     '--out', 'out')
    assert 'and 2 flows as .flo' in lines[-1]
    out = pairs / 'out'
    assert {path.name for path in out.glob('*.flo')} == {
        '000_a0_tvl1.flo', '000_a0_zero.flo'}
    flow, known = read_flow(str(out / '000_a0_tvl1.flo'))
    assert flow.shape == (2, 40, 56) and known.all()
    np.testing.assert_allclose(np.median(flow, (1, 2)), (3, 4), atol=0.2)
    rows = json.loads((out / 'flow.json').read_text())['rows']
    assert [row['AEPE'] is None for row in rows] == [True, True, False, False]
    assert (out / '000_a0.png').exists()


def test_without_a_known_flow_the_frames_tell_the_error(evaluate, pairs):
    pairs.joinpath('list.txt').write_text(
        'a0.png a1.png\nb0.png b1.png b.flo\n')
    lines = evaluate('--pairs', 'list.txt', '--estimator', 'dis', 'zero',
                     '--out', 'out')
    first, second = (cv2.imread(f'a{i}.png').astype(float) for i in range(2))
    difference = np.abs(first - second).mean()
    content = json.loads((pairs / 'out' / 'flow.json').read_text())
    dis, zero = content['rows'][:2]
    for row in (dis, zero):
        assert row['photometric_zero'] == pytest.approx(difference, rel=1e-4)
    assert zero['photometric'] == pytest.approx(difference, rel=1e-4)
    assert zero['forward_backward'] == 0
    assert dis['photometric'] < difference / 2 and dis['forward_backward'] > 0
    # The pair with a known flow has its own table.
    assert content['rows'][2]['photometric'] is None
    assert table(lines)['zero'].split()[1] == '1.000'
    second = lines[next(i for i, line in enumerate(lines)
                        if line.startswith('Mean')) + 1:]
    assert table(second)['dis'].split()[1:] == [
        f'{dis[key]:.3f}'
        for key in ('photometric', 'photometric_zero', 'forward_backward')]
    assert any(line.startswith('Mean over 1 pairs') for line in second)


def test_videos_and_folders_need_no_known_flow(evaluate, pairs):
    for number, name in enumerate(('a.mp4', 'run/b.mp4')):
        (pairs / 'clips' / name).parent.mkdir(parents=True, exist_ok=True)
        encode(pairs / 'clips' / name, number=6, seed=number)
    lines = evaluate('clips', '--estimator', 'dis_fast',
                     'zero', '--number', '2', '--stride', '2', '--size', '40',
                     '--out', 'out', '--pictures', '1')
    content = json.loads((pairs / 'out' / 'flow.json').read_text())
    names = [row['pair'] for row in content['rows'][::2]]
    # All there are of six frames.
    assert names == ['a 0001', 'a 0002', 'run/b 0001', 'run/b 0002']
    assert content['settings']['pairs']['num_pairs'] == 4
    assert not any(line.startswith('AEPE') for line in lines)
    assert sorted(path.name for path in (pairs / 'out').iterdir()) == [
        '000_a_0001.png', 'flow.json']


def test_errors_are_those_of_hand_computation(evaluate, pairs):
    lines = evaluate('--pairs', 'list.txt', '--estimator', 'zero', 'dis',
                     '--out', 'out')
    # 5 and 1 px: the mean over the pairs, not over their pixels.
    assert table(lines)['zero'].split()[1:] == [
        '3.000', '50.000', '-', '3.000', '-'
    ]
    content = json.loads((pairs / 'out' / 'flow.json').read_text())
    rows = {(row['estimator'], row['pair']): row for row in content['rows']}
    assert rows['zero', 'a0']['AEPE'] == 5
    assert rows['zero', 'b0']['AEPE'] == 1
    assert rows['zero', 'a0']['Fl_all'] == 100
    assert rows['zero', 'a0']['AEPE_boundary'] is None
    assert rows['zero', 'a0']['known_pixels'] == 38 * 56
    pooled = content['means'][0]['pooled_over_pixels']['AEPE']
    assert pooled == pytest.approx(
        (5 * 38 * 56 + 31 * 47) / (38 * 56 + 31 * 47))
    # Would fail with swapped frames or channels.
    assert rows['dis', 'a0']['AEPE'] < 2
    mean = content['means'][1]['mean_over_pairs']['AEPE']
    assert table(lines)['dis'].split()[1] == f'{mean:.3f}'


def test_settings_say_how_to_repeat_it(evaluate, pairs):
    lines = evaluate('--pairs', 'list.txt', '--estimator', 'tvl1_fast',
                     '--out', 'out', '--seed', '5')
    content = json.loads((pairs / 'out' / 'flow.json').read_text())
    settings = content['settings']
    assert settings['pairs'] == dict(list='list.txt', num_pairs=2)
    assert 'evaluate_flow.py --pairs list.txt ' in settings['command']
    assert settings['device'] == 'cpu' and settings['seed'] == 5
    estimator, = settings['estimators']
    assert estimator['type'] == 'TVL1FlowEstimator'
    assert estimator['parameters'] == 0
    assert any(line.startswith('tvl1_fast: ') and 'num_warps=2' in line
               for line in lines)
    assert settings['environment']['PyTorch'] == torch.__version__
    assert f'PyTorch: {torch.__version__};' in ' '.join(lines)


def test_each_pair_gets_a_picture_up_to_a_number(evaluate, pairs):
    lines = evaluate('--pairs', 'list.txt', '--estimator', 'zero', 'dis_fast',
                     '--out', 'out', '--pictures', '1')
    assert sorted(path.name for path in (pairs / 'out').iterdir()) == [
        '000_a0.png', 'flow.json'
    ]
    assert 'pictures of 1 of 2 pairs' in lines[-1]
    picture = cv2.imread('out/000_a0.png')
    assert picture.shape[1] > 3 * picture.shape[0] and picture.std() > 10


def test_checkpoints_and_random_weights_are_told_apart(evaluate, pairs):
    torch.manual_seed(7)
    weights = build_estimator('uftsn_small').state_dict()
    torch.save(
        dict(state_dict={f'flow_estimator.{k}': v
                         for k, v in weights.items()}), 'epoch_1.pth')
    lines = evaluate('--pairs', 'list.txt', '--estimator', 'uftsn_small',
                     'uftsn_small:epoch_1.pth', '--out', 'out', '--seed', '7',
                     '--pictures', '0')
    rows = table(lines)
    random = rows['uftsn_small']
    assert random.startswith('uftsn_small (random weights) ')
    # The seed makes the random weights those of the file.
    assert rows['uftsn_small:epoch_1.pth'].split()[1:] == random.split()[3:]


def test_generated_pairs_are_the_default(evaluate, tmp_cwd, monkeypatch):
    lines = evaluate('--estimator', 'zero', '--out', 'out', '--pictures', '0',
                     '--seed', '3')
    pairs = list(GeneratedPairs(seed=3))
    expected = np.mean([np.hypot(*pair.flow).mean() for pair in pairs])
    assert table(lines)['zero'].split()[1] == f'{expected:.3f}'
    content = json.loads((tmp_cwd / 'out' / 'flow.json').read_text())
    assert len(content['rows']) == len(pairs) == 32
    assert content['settings']['pairs'] == GeneratedPairs(seed=3).settings()


@pytest.mark.parametrize('args, words', [
    (['--pairs', 'none.txt', '--estimator', 'zero'], "'none.txt' does not"),
    (['--pairs', 'list.txt', '--estimator', 'nope'], "'nope' is unknown"),
    (['--pairs', 'list.txt', '--estimator', 'zero', 'zero'], 'more than once'),
    (['--pairs', 'list.txt', '--estimator', 'uftsn:no.pth'], "'no.pth' of"),
    (['--pairs', 'short.txt', '--estimator', 'zero'],
     "line 1 of 'short.txt' is 'a0.png'"),
    (['--pairs', 'mixed.txt', '--estimator', 'zero'],
     "line 1 of 'mixed.txt' has files of several sizes"),
    (['--pairs', 'list.txt', '--estimator', 'ResNet'], 'name a config file'),
    (['--pairs', 'list.txt', '--estimator', 'zero', '--device', 'abc'],
     "--device 'abc' cannot be used"),
    (['--pairs', 'list.txt', '--estimator', 'zero', '--pictures', '-1'],
     '--pictures is -1'),
    (['a0.png', 'a1.png', '--number', '0'], '--number is 0, expected 1'),
    (['--pairs', 'list.txt', '--number', '2', '--size', '9'],
     '--number and --size would change nothing without INPUT'),
    (['--stride', '2'], '--stride would change nothing without INPUT'),
    (['a0.png', 'a1.png', '--pairs', 'list.txt'], 'INPUT and --pairs'),
    (['a.flo', '--estimator', 'zero'], "cannot be used, first 'a.flo'"),
])
def test_what_cannot_be_measured_ends_with_one_sentence(
        evaluate, pairs, args, words):
    (pairs / 'short.txt').write_text('a0.png\n')
    (pairs / 'mixed.txt').write_text('a0.png b1.png a.flo\n')
    with pytest.raises(SystemExit) as info:
        evaluate(*args, '--out', 'out')
    assert str(info.value).startswith('error: ')
    assert words in str(info.value)
    assert '\n' not in str(info.value)
    assert not (pairs / 'out' / 'flow.json').exists()


def test_a_broken_pair_is_found_before_the_first_flow(evaluate, pairs):
    with open('list.txt', 'a') as file:
        file.write('a0.png b1.png\n')
    with pytest.raises(SystemExit, match="line 3 of 'list.txt' has files"):
        evaluate('--pairs', 'list.txt', '--estimator', 'zero', '--out', 'out')
    assert not (pairs / 'out').exists()


def test_a_reverse_flow_that_fails_is_a_gap(evaluate, pairs, monkeypatch):
    (pairs / 'list.txt').write_text('a0.png a1.png\nb0.png b1.png\n')
    last = cv2.cvtColor(cv2.imread('a1.png'), cv2.COLOR_BGR2RGB)
    estimate = ZeroFlowEstimator.flow_of_pair

    def fail(self, first, second, *args):
        if np.array_equal(first, last):
            raise ValueError('no way back')
        return estimate(self, first, second, *args)

    monkeypatch.setattr(ZeroFlowEstimator, 'flow_of_pair', fail)
    with pytest.raises(SystemExit, match='error: 1 of 2 flows could not be'):
        evaluate('--pairs', 'list.txt', '--estimator', 'zero', '--out', 'out')
    gap, row = json.loads((pairs / 'out' / 'flow.json').read_text())['rows']
    assert gap['error'] == 'no way back' and gap['photometric'] is None
    assert row['photometric'] > 0


def test_a_pair_too_small_for_an_estimator_is_its_gap(evaluate, pairs, capsys):
    for name in ('s0.png', 's1.png'):
        cv2.imwrite(name, np.zeros((20, 20, 3), np.uint8))
    np.save('s.npy', np.zeros((2, 20, 20), np.float32))
    with open('list.txt', 'a') as file:
        file.write('s0.png s1.png s.npy\n')
    with pytest.raises(SystemExit, match='error: 1 of 6 flows could not be'):
        evaluate('--pairs', 'list.txt', '--estimator', 'zero', 'uftsn_small',
                 '--out', 'out')
    lines = capsys.readouterr().out.splitlines()
    # Three pairs: 5, 1 and 0 px; the other estimator lost the last one only.
    assert table(lines)['zero'].split()[1] == '2.000'
    assert any(
        line.startswith('uftsn_small (random weights): no flow of 1 pairs')
        and "'s0': Frames of" in line for line in lines)
    content = json.loads((pairs / 'out' / 'flow.json').read_text())
    rows = {(row['estimator'], row['pair']): row for row in content['rows']}
    assert len(rows) == 6
    gap = rows['uftsn_small (random weights)', 's0']
    assert gap['AEPE'] is None and gap['error'].startswith('Frames of')
    assert rows['uftsn_small (random weights)', 'b0']['AEPE'] > 0
    assert content['means'][1]['num_pairs']['AEPE'] == 2
    assert len(list((pairs / 'out').glob('*.png'))) == 3
