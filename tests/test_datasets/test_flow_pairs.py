# SPDX-License-Identifier: Apache-2.0
"""Lists of pairs, and generated pairs."""
import cv2
import numpy as np
import pytest

from uftsn_mmaction.datasets.flow_pairs import GeneratedPairs, ListedPairs


def write_frame(path, size=(6, 8), color=(10, 20, 30)):
    """A picture of one colour, red, green, blue."""
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = np.full((*size, 3), color[::-1], np.uint8)
    assert cv2.imwrite(str(path), picture)


@pytest.fixture
def folder(tmp_path):
    """A list with a good pair in line 2; returns its folder."""
    write_frame(tmp_path / 'a' / '0.png')
    write_frame(tmp_path / 'a' / '1.png', color=(1, 2, 3))
    np.save(tmp_path / 'a' / 'flow.npy', np.ones((2, 6, 8), np.float32))
    (tmp_path / 'list.txt').write_text('\na/0.png  a/1.png\ta/flow.npy\n')
    return tmp_path


def listed(folder, line):
    (folder / 'list.txt').write_text(f'a/0.png a/1.png a/flow.npy\n{line}\n')
    return ListedPairs(str(folder / 'list.txt'))


def test_files_are_found_beside_the_list(folder, monkeypatch):
    for path in (str(folder / 'list.txt'), 'list.txt'):
        monkeypatch.chdir(folder)
        pair, = ListedPairs(path)
        assert pair.name == 'a/0'
        assert pair.first.dtype == np.uint8
        assert pair.first.shape == pair.second.shape == (6, 8, 3)
        assert pair.first[0, 0].tolist() == [10, 20, 30]
        assert pair.second[5, 7].tolist() == [1, 2, 3]
        np.testing.assert_array_equal(pair.flow, np.ones((2, 6, 8)))


def test_a_flow_may_be_unknown(folder):
    known, unknown = listed(folder, 'a/0.png a/1.png')
    assert np.isfinite(known.flow).all()
    assert unknown.flow.shape == (2, 6, 8)
    assert np.isnan(unknown.flow).all()
    write_frame(folder / 'a' / 'wide.png', size=(6, 9))
    with pytest.raises(ValueError, match='line 2 .*sizes'):
        listed(folder, 'a/0.png a/wide.png')[1]


def test_absolute_names_stay_as_they_are(folder, tmp_path_factory):
    other = tmp_path_factory.mktemp('other') / 'list.txt'
    other.write_text(' '.join(
        str(folder / 'a' / name) for name in ('0.png', '1.png', 'flow.npy')))
    assert ListedPairs(str(other))[0].first[0, 0].tolist() == [10, 20, 30]


@pytest.mark.parametrize('line, words', [
    ('a/0.png', "'a/0.png'"),
    ('a/0.png a/1.png a/flow.npy 3', "'a/0.png a/1.png a/flow.npy 3'"),
])
def test_a_malformed_line_is_named(folder, line, words):
    with pytest.raises(ValueError, match='line 2 of ') as info:
        listed(folder, line)
    assert words in str(info.value)


def test_a_missing_file_is_named_with_its_line(folder):
    with pytest.raises(FileNotFoundError, match='line 2 of ') as info:
        listed(folder, 'a/0.png a/none.png a/flow.npy')
    assert "a/none.png'" in str(info.value)
    assert 'list.txt' in str(info.value)


def test_a_list_that_is_missing_or_empty_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match="none.txt'"):
        ListedPairs(str(tmp_path / 'none.txt'))
    (tmp_path / 'list.txt').write_text('\n  \n')
    with pytest.raises(ValueError, match="list.txt'"):
        ListedPairs(str(tmp_path / 'list.txt'))


def test_files_of_several_sizes_are_refused(folder):
    write_frame(folder / 'a' / 'wide.png', size=(6, 9))
    with pytest.raises(ValueError, match="wide.png' 9x6") as info:
        listed(folder, 'a/0.png a/wide.png a/flow.npy')[1]
    assert "0.png' 8x6" in str(info.value)
    assert 'line 2 of ' in str(info.value)
    np.save(folder / 'a' / 'turned.npy', np.ones((2, 8, 6), np.float32))
    with pytest.raises(ValueError, match="turned.npy' 6x8"):
        listed(folder, 'a/0.png a/1.png a/turned.npy')[1]


def test_a_broken_frame_or_flow_is_named_with_its_line(folder):
    (folder / 'a' / 'text.png').write_text('no picture')
    with pytest.raises(ValueError, match='line 2 of .*text.png'):
        listed(folder, 'a/0.png a/text.png a/flow.npy')[1]
    (folder / 'a' / 'text.flo').write_text('no flow at all')
    with pytest.raises(ValueError, match='line 2 of .*text.flo'):
        listed(folder, 'a/0.png a/1.png a/text.flo')[1]


def test_a_pair_without_any_known_flow_is_refused(folder):
    np.save(folder / 'a' / 'nan.npy', np.full((2, 6, 8), np.nan))
    with pytest.raises(ValueError, match='line 2 of .*nan.npy'):
        listed(folder, 'a/0.png a/1.png a/nan.npy')[1]


def test_generated_pairs_follow_the_seed_and_their_flow():
    pairs = GeneratedPairs(number=3, size=(64, 64), seed=1)
    assert len(pairs) == len(list(pairs)) == 3
    again = GeneratedPairs(number=5, size=(64, 64), seed=1)
    other = GeneratedPairs(number=3, size=(64, 64), seed=2)
    assert np.array_equal(pairs[2].flow, again[2].flow)
    assert not np.array_equal(pairs[2].flow, other[2].flow)
    assert len({pair.name for pair in pairs}) == 3
    for pair in pairs:
        assert pair.flow.shape == (2, 64, 64)
        check_flow(pair)


def test_settings_tell_what_the_pairs_are(folder):
    assert GeneratedPairs(number=2, seed=7).settings() == dict(
        generator=dict(
            size=[128, 128], speed=2.0, background_speed=0.5, seed=7),
        num_pairs=2)
    path = str(folder / 'list.txt')
    assert ListedPairs(path).settings() == dict(list=path, num_pairs=1)


def check_flow(pair):
    """The second frame, seen through the true flow, looks like the first."""
    y, x = np.indices(pair.flow.shape[1:], dtype=np.float32)
    u, v = np.nan_to_num(pair.flow)
    warped = cv2.remap(pair.second, x + u, y + v, cv2.INTER_LINEAR)
    known = np.isfinite(pair.flow).all(0)

    def error(frame):
        return np.abs(frame.astype(float) - pair.first)[known].mean()

    assert error(warped) < 0.6 * error(pair.second)


def test_true_flow_of_real_pairs_explains_their_motion(repo_root):
    path = repo_root / 'data' / 'flow' / 'pairs_with_gt.txt'
    if not path.is_file():
        pytest.skip(f'no real pairs: {path} is missing')
    pairs = ListedPairs(str(path))
    assert len(pairs) > 0
    for pair in pairs:
        check_flow(pair)
