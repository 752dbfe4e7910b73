# SPDX-License-Identifier: Apache-2.0
"""Flow files, written byte by byte, and files that are none."""
import pickle
import struct

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from uftsn_mmaction.fileio.flow_file import MAX_PIXELS, read_flow
from uftsn_mmaction.fileio.flow_writer import write_flo


def flo(width, height, values, magic=202021.25):
    return struct.pack('<fii', magic, width, height) + struct.pack(
        f'<{len(values)}f', *values)


def png(path, red, green, blue, dtype=np.uint16):
    picture = np.stack([blue, green, red], -1).astype(dtype)
    assert cv2.imwrite(str(path), picture)
    return str(path)


def test_flo_holds_u_and_v_of_each_pixel_row_by_row(tmp_path):
    path = tmp_path / 'a.flo'
    # Three columns, two rows.
    path.write_bytes(flo(3, 2, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, -11.5]))
    flow, known = read_flow(str(path))
    assert flow.dtype == np.float32
    assert flow.tolist() == [[[0, 2, 4], [6, 8, 10]],
                             [[1, 3, 5], [7, 9, -11.5]]]
    assert known.all() and known.shape == (2, 3)


def test_unknown_pixels_of_a_flo_become_nan(tmp_path):
    path = tmp_path / 'A.FLO'
    path.write_bytes(
        flo(5, 1, [1, 2, 1.7e9, 0, 0, -2e9, float('nan'), 0, 0,
                   float('inf')]))
    flow, known = read_flow(str(path))
    assert known.tolist() == [[True, False, False, False, False]]
    assert flow[:, 0, 0].tolist() == [1, 2]
    assert np.isnan(flow[:, 0, 1:]).all()


def test_kitti_png_is_scaled_and_has_a_mask(tmp_path):
    path = png(
        tmp_path / 'a.png',
        red=[[2**15, 2**15 + 64, 0]],
        green=[[2**15 - 32, 2**15, 0]],
        blue=[[1, 1, 0]])
    flow, known = read_flow(path)
    assert known.tolist() == [[True, True, False]]
    assert flow[:, 0, :2].tolist() == [[0, 1], [-0.5, 0]]
    assert np.isnan(flow[:, 0, 2]).all()


@pytest.mark.parametrize('dtype', ['<f4', '>f8', '<f2'])
@pytest.mark.parametrize('last', [True, False])
def test_arrays_may_have_the_channels_first_or_last(tmp_path, dtype, last):
    expected = np.arange(24).reshape(2, 3, 4)
    array = np.moveaxis(expected, 0, -1) if last else expected
    np.save(tmp_path / 'a.npy', array.astype(dtype))
    flow, known = read_flow(str(tmp_path / 'a.npy'))
    assert flow.dtype == np.float32
    np.testing.assert_array_equal(flow, expected)
    assert known.all()


def test_channels_come_first_where_both_ends_could_be_meant(tmp_path):
    array = np.arange(12, dtype=np.float32).reshape(2, 3, 2)
    np.save(tmp_path / 'a.npy', array)
    np.testing.assert_array_equal(read_flow(str(tmp_path / 'a.npy'))[0], array)


@pytest.mark.parametrize('content, words', [
    (b'', '0 bytes'),
    (flo(3, 2, [0] * 12, magic=202021.5), '202021.25'),
    (flo(3, 2, [0] * 11), '56'),
    (flo(3, 2, [0] * 13), '64'),
    (flo(-3, -2, [0] * 12), '-3x-2'),
    (flo(0, 2, []), '0x2'),
    (flo(2**31 - 1, 2**31 - 1, []), '2147483647x2147483647'),
    (flo(MAX_PIXELS, 2, []), f'{MAX_PIXELS}x2'),
    # Big-endian.
    (struct.pack('>fii', 202021.25, 1, 1) + bytes(8), '202021.25'),
])
def test_damaged_flo_is_refused_with_its_fault(tmp_path, content, words):
    path = tmp_path / 'a.flo'
    path.write_bytes(content)
    with pytest.raises(ValueError) as info:
        read_flow(str(path))
    assert words in str(info.value)
    assert repr(str(path)) in str(info.value)


def test_a_picture_of_8_bit_is_no_flow(tmp_path):
    path = png(tmp_path / 'a.png', [[1]], [[1]], [[1]], dtype=np.uint8)
    with pytest.raises(ValueError, match='16-bit'):
        read_flow(path)


def test_a_huge_png_is_refused_before_it_is_unpacked(tmp_path, monkeypatch):
    path = png(tmp_path / 'a.png', [[1]], [[1]], [[1]])
    content = bytearray((tmp_path / 'a.png').read_bytes())
    content[16:24] = struct.pack('>II', 60000, 60000)
    (tmp_path / 'a.png').write_bytes(content)
    monkeypatch.setattr(cv2, 'imdecode', None)
    with pytest.raises(ValueError, match='60000x60000'):
        read_flow(path)


@pytest.mark.parametrize('length', [10, 40, 3000, 7000, -30, -12])
def test_a_cut_png_is_refused(tmp_path, length):
    rng = np.random.default_rng(0)
    path = png(tmp_path / 'a.png', *rng.integers(0, 2**16, (3, 40, 30)))
    content = (tmp_path / 'a.png').read_bytes()
    (tmp_path / 'a.png').write_bytes(content[:length])
    with pytest.raises(ValueError, match='a.png'):
        read_flow(path)


class Evil:
    """Leaves a file behind if a pickle of it is loaded."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), 'w')


def test_an_array_file_cannot_run_a_program(tmp_path):
    trace = tmp_path / 'trace'
    (tmp_path / 'a.npy').write_bytes(pickle.dumps(Evil(trace)))
    np.save(
        tmp_path / 'b.npy', np.array([[[Evil(trace)]]]), allow_pickle=True)
    for name in ('a.npy', 'b.npy'):
        with pytest.raises(ValueError, match=name):
            read_flow(str(tmp_path / name))
    assert not trace.exists()


def test_an_array_that_promises_too_much_is_refused(tmp_path):
    np.save(tmp_path / 'a.npy', np.zeros((2, 3, 4), np.float32))
    content = (tmp_path / 'a.npy').read_bytes()
    forged = content.replace(b'(2, 3, 4), }' + b' ' * 10,
                             b'(2, 999999, 99999), }'.ljust(22))
    assert len(forged) == len(content) and forged != content
    (tmp_path / 'a.npy').write_bytes(forged)
    with pytest.raises(ValueError, match='a.npy'):
        read_flow(str(tmp_path / 'a.npy'))


@pytest.mark.parametrize('array, words', [
    (np.zeros((3, 4)), 'three dimensions'),
    (np.zeros((2, 3, 4), np.int32), 'floats'),
    (np.zeros((3, 4, 5)), r'\(2, H, W\)'),
    (np.zeros((2, 0, 5)), '5x0'),
])
def test_arrays_that_are_no_flow_are_refused(tmp_path, array, words):
    np.save(tmp_path / 'a.npy', array)
    with pytest.raises(ValueError, match=words):
        read_flow(str(tmp_path / 'a.npy'))


def test_missing_files_and_other_formats_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match='none.flo'):
        read_flow(str(tmp_path / 'none.flo'))
    with pytest.raises(ValueError, match='.flo, .png, .npy'):
        read_flow(str(tmp_path / 'a.npz'))


@given(
    arrays(np.float32,
           array_shapes(min_dims=2, max_dims=2, max_side=9).map(
               lambda size: (2, *size)),
           elements=st.floats(width=32)))
def test_what_is_written_is_read(tmp_path, flow):
    path = str(tmp_path / 'a.flo')
    write_flo(path, flow)
    found, known = read_flow(path)
    with np.errstate(invalid='ignore'):
        expected = (np.abs(flow) <= 1e9).all(0)
    np.testing.assert_array_equal(known, expected)
    np.testing.assert_array_equal(found[:, known], flow[:, known])
    assert np.isnan(found[:, ~known]).all()


@given(
    ending=st.sampled_from(['.flo', '.png', '.npy']),
    place=st.floats(0, 1),
    change=st.one_of(st.none(), st.binary(min_size=1, max_size=4)))
def test_any_damage_is_read_or_refused(tmp_path, ending, place, change):
    """Cut off or overwritten at any place: a flow, or a ValueError."""
    path = tmp_path / f'a{ending}'
    if ending == '.npy':
        np.save(path, np.ones((2, 5, 4), np.float32))
    elif ending == '.flo':
        write_flo(path, np.ones((2, 5, 4), np.float32))
    else:
        png(path, *[np.full((5, 4), 2**15)] * 3)
    content = bytearray(path.read_bytes())
    start = int(place * len(content))
    if change is None:
        del content[start:]
    else:
        content[start:start + len(change)] = change
    path.write_bytes(content)
    try:
        flow, known = read_flow(str(path))
    except ValueError as error:
        assert f'a{ending}' in str(error) and '\n' not in str(error)
    else:
        assert flow.shape[0] == 2 and known.shape == flow.shape[1:]
