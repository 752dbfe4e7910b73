# SPDX-License-Identifier: Apache-2.0
"""Both streams on all official splits of a data set (sec. 3.1)."""
