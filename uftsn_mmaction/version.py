# SPDX-License-Identifier: Apache-2.0
"""Version of the package; the build reads this line without importing."""

__version__ = '0.1.0'
