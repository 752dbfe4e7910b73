# SPDX-License-Identifier: Apache-2.0
"""Models, in the order of the method: flow, losses, recognizers."""
from .flow import *  # noqa: F401,F403
from .losses import *  # noqa: F401,F403
from .other_flows import *  # noqa: F401,F403
from .recognizers import *  # noqa: F401,F403
from .weight_init import *  # noqa: F401,F403
