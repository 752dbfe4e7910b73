# SPDX-License-Identifier: Apache-2.0
import io
import zipfile

import pytest
import torch

from uftsn_mmaction.fileio.checkpoint import read_content
from uftsn_mmaction.fileio.unpacked_size import check_unpacked_size

CONTENT = dict(
    state_dict=dict(a=torch.zeros(300, dtype=torch.int8), b=torch.zeros(5)),
    meta=dict(epoch=1, names={'x', 'y'}))


@pytest.mark.parametrize('new', [True, False])
def test_honest_files_pass(new):
    file = io.BytesIO()
    torch.save(CONTENT, file, _use_new_zipfile_serialization=new)
    check_unpacked_size(file)
    assert file.tell() == 0
    assert torch.load(file)['meta'] == CONTENT['meta']


def test_other_files_are_left_to_their_reader():
    for content in (b'', b'text', b'\x80\x02garbage'):
        check_unpacked_size(io.BytesIO(content))


def test_a_compressed_checkpoint_is_refused(tmp_path):
    honest, packed = tmp_path / 'honest.pth', tmp_path / 'packed.pth'
    torch.save(dict(a=torch.zeros(1_000_000)), honest)
    with zipfile.ZipFile(honest) as source, zipfile.ZipFile(
            packed, 'w', zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            target.writestr(name, source.read(name))
    assert packed.stat().st_size < 20_000
    with pytest.raises(ValueError, match='bytes of memory') as caught:
        read_content(str(packed), 'the model', 'get it again')
    assert '\n' not in str(caught.value) and 'packed.pth' in str(caught.value)


def test_a_legacy_storage_without_its_values_is_refused():
    file = io.BytesIO()
    torch.save(torch.zeros(200, dtype=torch.int8), file,
               _use_new_zipfile_serialization=False)
    content = file.getvalue().replace(b'K\xc8', b'J\xff\xff\xff\x7f', 1)
    with pytest.raises(ValueError, match=f'asks for {2**31 - 1} bytes'):
        check_unpacked_size(io.BytesIO(content))


def test_a_runner_refuses_it_before_it_reads(tiny_runner, tmp_path):
    packed = tmp_path / 'packed.pth'
    with zipfile.ZipFile(packed, 'w', zipfile.ZIP_DEFLATED) as target:
        target.writestr('a/data/0', bytes(10**7))
    runner = tiny_runner(
        tmp_path, 1, load_from=str(packed),
        custom_hooks=[dict(type='CompleteCheckpointHook')])  # yapf: disable
    with pytest.raises(ValueError, match='bytes of memory'):
        runner.val()
