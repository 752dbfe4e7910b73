# SPDX-License-Identifier: Apache-2.0
"""Size, work, speed and memory of flow estimators: table 3 of the paper."""
