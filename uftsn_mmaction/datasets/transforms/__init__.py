# SPDX-License-Identifier: Apache-2.0
"""Steps of a data pipeline."""
