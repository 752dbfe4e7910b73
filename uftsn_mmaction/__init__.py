# SPDX-License-Identifier: Apache-2.0
"""UF-TSN for MMAction2: unsupervised optical flow for action recognition.

Importing this package registers every component in ``mmaction.registry``, so
that one line in a config is enough::

    custom_imports = dict(imports=['uftsn_mmaction'])
"""

from . import compat

# Some upstream releases cannot be imported without the repairs, and the
# sub-packages below import them: this call has to stay in front of them.
compat.apply()

from . import (  # noqa: E402
    datasets,
    engine,
    evaluation,
    fileio,
    models,
    visualization,
)
from .version import __version__  # noqa: E402

__all__ = [
    '__version__', 'compat', 'datasets', 'engine', 'evaluation', 'fileio',
    'models', 'visualization'
]
