# SPDX-License-Identifier: Apache-2.0
"""Output paths with something in their way."""
import pytest

from uftsn_mmaction.fileio.paths import (
    check_apart,
    check_output_file,
    check_output_folder,
)


def test_new_and_existing_folders_are_accepted(tmp_cwd):
    (tmp_cwd / 'folder').mkdir()
    for path in ('new', 'folder', 'folder/new/deeper', tmp_cwd, '.'):
        check_output_folder(path)
    for path in ('a.png', 'folder/a.png', tmp_cwd / 'new' / 'a.png'):
        check_output_file(path)
    (tmp_cwd / 'a.png').touch()
    check_output_file('a.png')


@pytest.mark.parametrize('path', ['file', 'file/sub', 'file/sub/deeper'])
def test_a_file_in_the_way_of_a_folder_is_named(tmp_cwd, path):
    (tmp_cwd / 'file').touch()
    with pytest.raises(NotADirectoryError, match="'file'") as caught:
        check_output_folder(path, '--work-dir')
    assert str(caught.value).startswith(f'--work-dir is {path!r}')
    with pytest.raises(NotADirectoryError, match="'file'"):
        check_output_file(f'{path}/a.png')


def test_an_input_is_not_replaced(tmp_cwd):
    (tmp_cwd / 'a.mp4').write_text('')
    (tmp_cwd / 'link.mp4').symlink_to('a.mp4')
    check_apart('b.mp4', 'a.mp4', None)
    with pytest.raises(ValueError, match="replace the input 'a.mp4'"):
        check_apart(tmp_cwd / 'link.mp4', None, 'a.mp4')


def test_a_folder_is_no_file(tmp_cwd):
    (tmp_cwd / 'folder').mkdir()
    with pytest.raises(IsADirectoryError, match="--out is 'folder'"):
        check_output_file('folder')
