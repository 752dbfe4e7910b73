# SPDX-License-Identifier: Apache-2.0
"""Videos from others, read once where they can do no harm."""
