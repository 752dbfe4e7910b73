# SPDX-License-Identifier: Apache-2.0
"""One classifier on the flow of several estimators (table 2)."""
