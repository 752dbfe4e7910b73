# SPDX-License-Identifier: Apache-2.0
"""Score files of finished tests, and their fusion."""
