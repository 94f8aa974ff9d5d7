"""The process that one training of a comparison runs in: ``python -m clew.compare.worker``."""

import json
import logging
import os
import sys
import threading
from pathlib import Path

from clew.compare.measure import measure
from clew.compare.plan import Budget, Training
from clew.errors import MissingExtraError
from clew.train.heap import keep_freed_memory

__all__ = ["main"]


def main() -> int:
    """Do what the line on standard input says; a reason why it cannot be done goes to standard output."""
    logging.basicConfig(format="clew: %(message)s", level=logging.WARNING)
    order = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_the_parent, daemon=True).start()
    what = order["training"]
    training = Training(**(what | {"budget": Budget(**what["budget"])}))
    keep_freed_memory()
    try:
        measure(training, Path(order["directory"]), order["device"])
    except (ValueError, OSError, MissingExtraError) as error:
        print(error)
        return 2
    except KeyboardInterrupt:
        return 130
    return 0


def _end_with_the_parent() -> None:
    """Wait until nobody holds the other end of standard input, and end at once: the run is left whole."""
    while os.read(0, 1):
        pass
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
