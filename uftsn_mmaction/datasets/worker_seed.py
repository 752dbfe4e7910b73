# SPDX-License-Identifier: Apache-2.0
"""Random seeds of data loader workers."""
import os
import random

import numpy as np
import torch
from mmengine.registry import FUNCTIONS


# Runner.build_dataloader looks the name up in MMEngine's own registry, which
# does not descend into those of MMAction2.
@FUNCTIONS.register_module()
def epoch_worker_init_fn(worker_id: int) -> None:
    """Seed a worker so that every epoch draws other augmentations.

    MMEngine's default derives the seed from the run's seed and the worker's
    number alone: workers that are started anew in each epoch then repeat
    themselves. Here it comes from ``torch.initial_seed()``, which the data
    loader draws from the main process's generator for every epoch: runs of
    equal seed stay equal, epochs differ. Use it as
    ``worker_init_fn=dict(type='epoch_worker_init_fn')``.

    Args:
        worker_id: Number of the worker, already part of torch's seed.
    """
    # The ranks of a distributed run start from the same torch generator. A
    # worker that was spawned, not forked, knows its rank from here only.
    rank = int(os.environ.get('RANK', 0))
    sequence = np.random.SeedSequence([torch.initial_seed(), rank])
    torch_seed, python_seed, numpy_seed = sequence.generate_state(3)
    torch.manual_seed(int(torch_seed))
    random.seed(int(python_seed))
    np.random.seed(int(numpy_seed))
