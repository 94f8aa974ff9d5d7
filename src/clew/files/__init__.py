"""Files that a crash cannot tear, and named tensors in them."""

from clew.files.atomic import (
    clean_leftovers,
    json_to_bytes,
    new_directory,
    remove_directory,
    replacing,
    write_bytes,
)
from clew.files.tensors import check_tensors, read_tensors, tensors_to_bytes

__all__ = [
    "check_tensors",
    "clean_leftovers",
    "json_to_bytes",
    "new_directory",
    "read_tensors",
    "remove_directory",
    "replacing",
    "tensors_to_bytes",
    "write_bytes",
]
