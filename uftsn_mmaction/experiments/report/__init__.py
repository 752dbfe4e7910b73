# SPDX-License-Identifier: Apache-2.0
"""A page on any run: what it measured, with pictures."""
from .run_report import write_run_report

__all__ = ['write_run_report']
