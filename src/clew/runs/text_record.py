"""What ``config.json`` says of a text that a language model was trained on."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from clew.data import TextDataset

__all__ = ["TextRecord"]


@dataclass(frozen=True)
class TextRecord:
    """Which text a run was trained on.

    Attributes:
        name: what the run is called after.
        files: the files, in their order.
        tokenizer: ``"bytes"`` or ``"bpe"``; ``tokenizer.json`` in the run directory is the tokenizer itself.
        n_tokens: tokens that it tells apart.
        n_bytes: of the training, validation and test part.
        digest: SHA-256 of the bytes of all files and of where each begins.
    """

    name: str
    files: tuple[str, ...]
    tokenizer: str
    n_tokens: int
    n_bytes: tuple[int, int, int]
    digest: str

    @classmethod
    def of(cls, dataset: TextDataset) -> "TextRecord":
        """The record of ``dataset``."""
        sum_ = hashlib.sha256()
        for split in (dataset.train, dataset.validation, dataset.test):
            sum_.update(f"split {split.n_bytes};".encode())
            for document in split.documents():
                sum_.update(f"{len(document)};".encode())
                sum_.update(document)
        return cls(
            name=dataset.name,
            files=tuple(str(file) for file in dataset.files),
            tokenizer=dataset.kind,
            n_tokens=dataset.tokenizer.n_tokens,
            n_bytes=(dataset.train.n_bytes, dataset.validation.n_bytes, dataset.test.n_bytes),
            digest=sum_.hexdigest(),
        )

    @classmethod
    def read(cls, fields: Mapping[str, Any]) -> "TextRecord":
        """The record whose fields, as JSON has them, are ``fields``.

        Raises:
            TypeError: if they are others.
            KeyError: if one is missing.
        """
        return cls(**{**fields, "files": tuple(fields["files"]), "n_bytes": tuple(fields["n_bytes"])})
