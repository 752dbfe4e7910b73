# SPDX-License-Identifier: Apache-2.0
"""The map from the paper to the code names files that exist."""
import re


def test_files_of_the_map_exist(repo_root):
    text = (repo_root / 'docs' / 'paper.md').read_text(encoding='utf-8')
    rows = [line for line in text.split('\n## ')[0].splitlines()
            if line.startswith('| ') and '`' in line]
    assert len(rows) > 10
    for row in rows:
        folder = None
        for name in re.findall(r'`([\w./{},]+)`', row.split('|')[2]):
            if '{' in name:
                start, names, end = re.split(r'[{}]', name)
                paths = [f'{start}{one}{end}' for one in names.split(',')]
            else:
                paths = [name]
            for path in paths:
                places = [repo_root / path,
                          repo_root / 'uftsn_mmaction' / path]
                if folder:  # a second file beside the first
                    places.append(folder / path)
                found = [place for place in places if place.exists()]
                assert found, f'docs/paper.md names {path}'
                folder = found[0].parent
