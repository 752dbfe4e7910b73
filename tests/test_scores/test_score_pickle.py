# SPDX-License-Identifier: Apache-2.0
"""Score files that hold more than tensors, are broken, or hostile."""
import _codecs
import os
import pickle

import numpy as np
import pytest
import torch

from uftsn_mmaction.scores.score_file import read_score_file

SCORE = torch.tensor([1., 2., -3.])


def pickled(path, content, protocol=2):
    path.write_bytes(pickle.dumps(content, protocol=protocol))
    return str(path)


def entry(**kwargs):
    return dict(dict(pred_score=SCORE, gt_label=torch.tensor([1])), **kwargs)


@pytest.mark.parametrize('protocol', [2, 4, 5])
def test_numpy_values_beside_the_scores_do_not_matter(tmp_path, protocol):
    path = pickled(tmp_path / 'a.pkl', [
        entry(
            frame_inds=np.arange(4),
            total=np.int64(4),
            fps=np.float64(25),
            words=np.array(['a', None]),
            keys={1, 2},
            empty=b'',
            shape=torch.Size([2, 3]))
    ], protocol)
    file = read_score_file(path)
    assert torch.equal(file.scores[0], SCORE) and file.filenames is None


def test_names_of_numpy_1_are_known(tmp_path):
    content = pickle.dumps([entry(frame_inds=np.arange(4))], protocol=2)
    old = content.replace(b'numpy._core.multiarray',
                          b'numpy.core.multiarray')
    assert b'numpy.core' in old
    (tmp_path / 'a.pkl').write_bytes(old)
    assert read_score_file(str(tmp_path / 'a.pkl')).labels.tolist() == [1]


class Hostile:

    def __init__(self, function, *args):
        self.call = function, args

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize('protocol', [2, 5])
def test_a_hostile_file_runs_nothing(tmp_path, protocol):
    trace = tmp_path / 'ran'
    path = pickled(
        tmp_path / 'a.pkl',
        [entry(img_shape=Hostile(os.system, f'touch {trace}'))], protocol)
    with pytest.raises(ValueError) as caught:
        read_score_file(path)
    assert f'{os.system.__module__}.system' in str(caught.value)
    assert path in str(caught.value) and '\n' not in str(caught.value)
    assert not trace.exists()


def test_a_hostile_tensor_runs_nothing(tmp_path):
    trace = tmp_path / 'ran'
    # The way into a storage: the bytes are a pickle of their own.
    inner = tmp_path / 'inner.pth'
    torch.save(
        Hostile(os.system, f'touch {trace}'),
        inner,
        _use_new_zipfile_serialization=False)
    path = pickled(tmp_path / 'a.pkl', [
        entry(
            pred_score=Hostile(torch.storage._load_from_bytes,
                               inner.read_bytes()))
    ])
    with pytest.raises(ValueError, match='tensor') as caught:
        read_score_file(path)
    assert 'weights_only' not in str(caught.value)
    assert not trace.exists()


def test_other_codecs_and_builtins_are_refused(tmp_path):
    for function, args, word in ((_codecs.encode, ('a', 'rot13'), 'rot13'),
                                 (eval, ('1 + 1', ), 'eval'),
                                 (getattr, ('a', 'upper'), 'getattr')):
        path = pickled(
            tmp_path / 'a.pkl', [entry(x=Hostile(function, *args))])
        with pytest.raises(ValueError, match=word):
            read_score_file(path)


@pytest.mark.parametrize('content', [
    b'', b'no pickle', pickle.dumps([entry()], protocol=2)[:-20]
])
def test_a_broken_file_is_named(tmp_path, content):
    (tmp_path / 'a.pkl').write_bytes(content)
    with pytest.raises(ValueError, match='a.pkl.*--dump'):
        read_score_file(str(tmp_path / 'a.pkl'))


def rebuild(size, stride):
    return Hostile(torch._utils._rebuild_tensor_v2,
                   torch.zeros(1).storage(), 0, size, stride, False, {})


def huge_storage():
    """A storage whose size is not that of its values."""
    content = torch.zeros(4).storage().__reduce__()[1][0]
    size = content.index(b'cpuq') if b'cpuq' in content else content.index(
        b'cpu') + 3
    start = content.index(b'K\x04', size)
    content = content[:start] + b'J\xff\xff\xff\x7f' + content[start + 2:]
    return Hostile(torch.storage._load_from_bytes, content)


@pytest.mark.skipif(
    not os.path.exists('/proc/self/statm'), reason='needs the /proc of Linux')
@pytest.mark.parametrize('score', [
    lambda: rebuild((3_000_000_000, ), (0, )),
    lambda: rebuild((30_000, 30_000), (0, 0)),
    lambda: Hostile(bytes, 10_000_000_000),
    huge_storage,
])
def test_a_small_file_gets_little_memory(tmp_path, score):
    path = pickled(tmp_path / 'a.pkl', [entry(pred_score=score())])
    assert os.path.getsize(path) < 2000
    resource = pytest.importorskip('resource')
    limits = resource.getrlimit(resource.RLIMIT_AS)
    with open('/proc/self/statm') as file:
        used = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + 2**28, limits[1]))
    try:
        with pytest.raises(ValueError) as caught:
            read_score_file(path)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, limits)
    # Refused, and not tried.
    text = str(caught.value)
    assert path in text and '\n' not in text
    assert 'MemoryError' not in text and 'allocate' not in text
