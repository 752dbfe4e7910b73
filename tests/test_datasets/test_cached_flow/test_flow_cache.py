# SPDX-License-Identifier: Apache-2.0
"""Flow comes back from the disk as it went there, whatever happens to it."""
import errno
import multiprocessing
import os
import tracemalloc
import zlib

import numpy as np
import pytest
from processes import HANG

from uftsn_mmaction.datasets.transforms.flow_cache import (
    FlowCache,
    pack_steps,
    unpack_steps,
)

SIZE = (18, 23)
KEY = 'ab12'


@pytest.fixture
def warnings(monkeypatch):
    """Messages that the cache logs."""
    said = []
    monkeypatch.setattr(
        'uftsn_mmaction.datasets.transforms.flow_cache.print_log',
        lambda text, logger, level: said.append(text))
    return said


@pytest.fixture
def flow():
    noise = np.random.RandomState(0).randn(*SIZE, 2) * 5
    return noise.astype(np.float32)


def never():
    raise AssertionError('computed although it is there')


def stored(folder):
    """Files of a cache, without those of writers that were killed."""
    return sorted(path for path in folder.rglob('*.flow')
                  if not path.name.startswith('.'))


@pytest.mark.parametrize('step', [1 / 64, 1 / 16, 0.3])
def test_a_hit_equals_the_miss_and_is_near_the_flow(tmp_path, flow, step,
                                                    warnings):
    miss = FlowCache(str(tmp_path), step).get(KEY, SIZE, lambda: flow)
    hit = FlowCache(str(tmp_path), step).get(KEY, SIZE, never)
    assert hit.shape == (*SIZE, 2) and hit.dtype == np.float32
    np.testing.assert_array_equal(hit, miss)
    error = np.abs(hit - flow)
    assert 0.2 * step < error.max() <= 0.5 * step + 1e-6
    assert not warnings


def test_flow_out_of_range_is_cut_and_not_wrapped(tmp_path):
    flow = np.zeros((2, 3, 2), np.float32)
    flow[0, :, 0] = 1e6, -1e6, 1e6  # neighbours differ by more than 16 bits
    for _ in range(2):
        found = FlowCache(str(tmp_path), 1 / 16).get(KEY, (2, 3), lambda: flow)
        assert found[0, :, 0].tolist() == [2047.9375, -2048, 2047.9375]
        assert not found[1:].any() and not found[..., 1].any()


def test_smooth_flow_is_stored_in_few_bytes():
    y, x = np.indices((112, 150))
    wave = 30 * np.sin(x / 25) + 20 * np.cos(y / 20)
    steps = np.stack((wave, wave[::-1]), axis=2).astype(np.int16)
    assert len(pack_steps(steps)) < 0.2 * steps.nbytes
    np.testing.assert_array_equal(
        unpack_steps(pack_steps(steps), (112, 150)), steps)


def spoil_half(path):
    path.write_bytes(path.read_bytes()[:-9])


def spoil_all(path):
    path.write_bytes(b'')


def spoil_a_bit(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(bytes(content))


def spoil_the_checksum(path):
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(bytes(content))


def spoil_the_end(path):
    path.write_bytes(path.read_bytes() + b'more')


def spoil_by_a_larger_flow(path):
    path.write_bytes(pack_steps(np.zeros((19, 23, 2), np.int16)))


def spoil_by_a_smaller_flow(path):
    path.write_bytes(pack_steps(np.zeros((17, 23, 2), np.int16)))


def spoil_by_a_pipe(path):
    path.unlink()
    os.mkfifo(path)


def spoil_with_a_pickle(path):
    np.save(path, np.array([dict(a=1)], dtype=object), allow_pickle=True)
    os.replace(f'{path}.npy', path)


@pytest.mark.parametrize(
    'spoil', [value for name, value in list(globals().items())
              if name.startswith('spoil_')], ids=lambda spoil: spoil.__name__)
def test_a_spoilt_file_is_computed_again_and_replaced(tmp_path, flow, spoil,
                                                      warnings):
    cache = FlowCache(str(tmp_path), 1 / 16)
    good = cache.get(KEY, SIZE, lambda: flow)
    path, = stored(tmp_path)
    content = path.read_bytes()
    spoil(path)
    assert not path.is_file() or path.read_bytes() != content
    np.testing.assert_array_equal(
        cache.get(KEY, SIZE, lambda: flow), good)
    warning, = warnings
    assert str(path) in warning and 'computed again' in warning
    assert path.read_bytes() == content
    np.testing.assert_array_equal(cache.get(KEY, SIZE, never), good)
    assert len(warnings) == 1


def test_a_link_in_the_cache_leads_nowhere(tmp_path, flow, warnings):
    cache = FlowCache(str(tmp_path / 'cache'), 1 / 16)
    good = cache.get(KEY, SIZE, lambda: flow)
    path, = stored(tmp_path)
    victim = tmp_path / 'victim'
    victim.write_text('precious')
    path.unlink()
    path.symlink_to(victim)
    np.testing.assert_array_equal(
        cache.get(KEY, SIZE, lambda: flow), good)
    assert victim.read_text() == 'precious' and not path.is_symlink()
    np.testing.assert_array_equal(cache.get(KEY, SIZE, never), good)


def test_a_small_file_cannot_unpack_to_a_large_one(tmp_path, flow, warnings):
    cache = FlowCache(str(tmp_path), 1 / 16)
    good = cache.get(KEY, SIZE, lambda: flow)
    bomb = zlib.compress(bytes(30_000_000))
    path, = stored(tmp_path)
    for content in (bomb[:2500], bomb):
        path.write_bytes(content)
        tracemalloc.start()
        found = cache.get(KEY, SIZE, lambda: flow)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        np.testing.assert_array_equal(found, good)
        assert peak < 500_000
    assert len(warnings) == 2


def test_what_cannot_be_replaced_is_no_obstacle(tmp_path, flow, warnings):
    cache = FlowCache(str(tmp_path), 1 / 16)
    good = cache.get(KEY, SIZE, lambda: flow)
    path, = stored(tmp_path)
    path.unlink()
    (path / 'a_folder_in_its_place').mkdir(parents=True)
    np.testing.assert_array_equal(
        cache.get(KEY, SIZE, lambda: flow), good)
    assert len(warnings) == 2  # it cannot be read, nor written


def test_a_full_disk_costs_the_cache_only(tmp_path, flow, monkeypatch,
                                          warnings):
    def full(descriptor):
        raise OSError(errno.ENOSPC, 'No space left on device')

    cache = FlowCache(str(tmp_path / 'new'), 1 / 16)
    with monkeypatch.context() as patch:
        patch.setattr(os, 'fsync', full)
        for key in ('ab1', 'ab2', 'cd3'):
            found = cache.get(key, SIZE, lambda: flow)
            np.testing.assert_allclose(found, flow, atol=1 / 32)
    warning, = warnings
    assert 'No space left' in warning and str(tmp_path / 'new') in warning
    assert not [path for path in tmp_path.rglob('*') if path.is_file()]
    # Room was made.
    np.testing.assert_array_equal(
        cache.get('ab1', SIZE, lambda: flow), found)
    cache.get('ab1', SIZE, never)
    assert len(warnings) == 1


needs_fork = pytest.mark.skipif(
    'fork' not in multiprocessing.get_all_start_methods(),
    reason='needs fork')


def _killed_before_the_name(folder, flow):
    os.replace = lambda *args: os._exit(9)
    FlowCache(folder, 1 / 16).get(KEY, SIZE, lambda: flow)


@needs_fork
def test_a_killed_writer_leaves_no_entry(tmp_path, flow, warnings):
    process = multiprocessing.get_context('fork').Process(
        target=_killed_before_the_name, args=(str(tmp_path), flow))
    process.start()
    process.join()
    assert process.exitcode == 9
    assert not stored(tmp_path)
    cache = FlowCache(str(tmp_path), 1 / 16)
    miss = cache.get(KEY, SIZE, lambda: flow)
    np.testing.assert_array_equal(cache.get(KEY, SIZE, never), miss)
    assert len(stored(tmp_path)) == 1 and not warnings


def _write_and_read(folder, flow, results):
    """Replace an entry again and again, and read it meanwhile."""
    cache, found = FlowCache(str(folder), 1 / 16), set()
    path, = stored(folder)
    content = path.read_bytes()
    for _ in range(40):
        cache._write(path, content)
        # Other flow, which would tell that the file was taken for spoilt.
        found.add(cache.get(KEY, SIZE, lambda: flow + 99).tobytes())
    results.put(found)


@needs_fork
def test_two_processes_never_read_half_a_file(tmp_path, flow, warnings):
    good = FlowCache(str(tmp_path), 1 / 16).get(KEY, SIZE, lambda: flow)
    context = multiprocessing.get_context('fork')
    results = context.Queue()
    processes = [
        context.Process(
            target=_write_and_read, args=(tmp_path, flow, results))
        for _ in range(2)
    ]
    for process in processes:
        process.start()
    found = [results.get(timeout=HANG) for _ in processes]
    for process in processes:
        process.join()
    assert found == [{good.tobytes()}] * 2
    assert len(list(tmp_path.rglob('*.flow*'))) == 1


@pytest.mark.parametrize('step', [0, -0.1, 1e-3, float('nan'), float('inf'),
                                  '1'])
def test_bad_steps(tmp_path, step):
    with pytest.raises(ValueError, match='step of CachedFlow.*1/256'):
        FlowCache(str(tmp_path), step)


def test_a_file_in_the_place_of_the_folder_is_named(tmp_path):
    (tmp_path / 'cache').write_text('')
    for folder in (tmp_path / 'cache', tmp_path / 'cache' / 'TVL1'):
        with pytest.raises(ValueError, match='cache_dir .*cache\''):
            FlowCache(str(folder), 1 / 16)
