# SPDX-License-Identifier: Apache-2.0
"""Train a model without mim: MMAction2's own script, with all its options."""
import sys

from stock_tool import load_stock_tool


def main() -> None:
    try:
        load_stock_tool('train').main()
    except (FileNotFoundError, ValueError) as error:
        raise SystemExit(f'error: {error}') from None


if __name__ == '__main__':
    sys.exit(main())
