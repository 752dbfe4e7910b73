# SPDX-License-Identifier: Apache-2.0
"""Runs of many trainings and tests, and their results."""
