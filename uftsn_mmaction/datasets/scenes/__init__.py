# SPDX-License-Identifier: Apache-2.0
"""Pairs of frames of random scenes with exactly known motion."""
