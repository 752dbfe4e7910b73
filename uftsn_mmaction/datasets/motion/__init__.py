# SPDX-License-Identifier: Apache-2.0
"""Generated videos of moving objects with exactly known flow."""
