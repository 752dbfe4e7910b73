# SPDX-License-Identifier: Apache-2.0
"""The site of the documentation builds, and nothing in it leads nowhere."""
import re
import warnings
from urllib.parse import unquote, urldefrag

import mmaction.registry as registries
import pytest
from mmengine.registry import Registry

import uftsn_mmaction

sphinx = pytest.importorskip('sphinx', reason='needs the extra docs')


@pytest.fixture(scope='module')
def site(repo_root, tmp_path_factory):
    """The built pages; their source code alone is left out, for speed."""
    from sphinx.cmd.build import main
    out = tmp_path_factory.mktemp('site')
    for package in ('myst_parser', 'furo', 'sphinx_copybutton'):
        pytest.importorskip(package, reason='needs the extra docs')
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        assert main([
            '-W', '--keep-going', '-q', '-b', 'html', '-D',
            'extensions=myst_parser,sphinx.ext.autodoc,sphinx.ext.napoleon',
            '-d', str(out / 'doctrees'), str(repo_root / 'docs'),
            str(out / 'html')
        ]) == 0
    return out / 'html'


def test_local_links_lead_somewhere(site):
    pages = {page: page.read_text(encoding='utf-8')
             for page in site.rglob('*.html')}
    anchors = {page: set(re.findall(r'\bid="([^"]+)"', text))
               for page, text in pages.items()}
    links = 0
    for page, text in pages.items():
        for link in re.findall(r'(?:href|src)="([^"]+)"', text):
            if re.match(r'\w+:|//', link):
                continue
            path, anchor = urldefrag(unquote(link.split('?')[0]))
            target = (page.parent / path).resolve() if path else page
            assert target.exists(), f'{page.name}: {link}'
            if anchor and target in pages:
                assert anchor in anchors[target], f'{page.name}: {link}'
            links += 1
    assert links > 1000


def test_every_registered_name_has_an_entry(site):
    text = '\n'.join(page.read_text(encoding='utf-8')
                     for page in (site / 'api').glob('*.html'))
    documented = {name.rpartition('.')[2]
                  for name in re.findall(r'id="(uftsn_mmaction[\w.]+)"', text)}
    registered = {
        kind.__name__ for registry in vars(registries).values()
        if isinstance(registry, Registry)
        for kind in registry.module_dict.values()
        if re.match(r'uftsn_mmaction\.(?!compat|experiments)', kind.__module__)
    }
    assert len(registered) > 40
    assert registered <= documented
    assert set(uftsn_mmaction.apis.__all__) <= documented
