# SPDX-License-Identifier: Apache-2.0
"""Trainings in child processes, and what they leave in their folders."""
