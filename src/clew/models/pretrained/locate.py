"""From a path, or a name on the Hugging Face hub, to a folder on this machine."""

import os
from pathlib import Path

__all__ = ["locate"]

# What describes a model, what describes its tokenizer, and the weights, those that are no pickle first.
DESCRIPTIONS = ("config.json", "generation_config.json")
TOKENIZER = ("tokenizer*", "special_tokens_map.json", "added_tokens.json", "vocab*", "merges.txt")
SAFE = ("model*.safetensors", "model.safetensors.index.json")
PICKLED = ("pytorch_model*.bin", "pytorch_model.bin.index.json")


def locate(path_or_name: str | os.PathLike[str], *, revision: str | None = None) -> Path:
    """The folder of a checkpoint: the one given, or that of a hub's repository in the local cache.

    What the cache lacks is downloaded: config, tokenizer and weights, and pickled weights only where there
    are no others. Where the network cannot be reached, or ``HF_HUB_OFFLINE=1`` says not to try, the cache has
    to do.

    Args:
        path_or_name: a folder, or ``owner/name`` on the Hugging Face hub. A folder goes first.
        revision: a branch, tag or commit of the repository; its main branch for ``None``.

    Returns:
        The folder.

    Raises:
        FileNotFoundError: if it is neither; the message says what to do.
        ValueError: for a ``revision`` of a folder.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     locate(folder) == Path(folder)
    True
    """
    path = Path(path_or_name)
    if path.is_dir():
        if revision is not None:
            raise ValueError(f"revision is of a repository on the hub; {path} is a folder")
        return path
    # Imported here: it takes a while, and a folder needs none of it.
    from huggingface_hub.errors import HFValidationError

    name = os.fspath(path_or_name)
    if path.exists():
        raise FileNotFoundError(f"{path} is a file; a checkpoint is the folder that holds config.json")
    try:
        folder = _snapshot(name, revision, (*DESCRIPTIONS, *TOKENIZER, *SAFE))
        if not any(entry.name.endswith(".safetensors") for entry in folder.iterdir()):
            folder = _snapshot(name, revision, PICKLED)
    except HFValidationError:
        raise FileNotFoundError(
            f"there is no folder {name}, and it is no name on the Hugging Face hub (owner/name) either"
        ) from None
    return folder


def _snapshot(name: str, revision: str | None, patterns: tuple[str, ...]) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import (
        GatedRepoError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    what = name if revision is None else f"{name} at {revision}"
    try:
        return Path(snapshot_download(name, revision=revision, allow_patterns=list(patterns)))
    except LocalEntryNotFoundError:
        reason = (
            f"there is no folder {name}, the cache has no {what}, and the Hugging Face hub is out of reach: "
            "give the path of a folder, or download it once where there is a network (hf download "
            f"{name}), without HF_HUB_OFFLINE=1"
        )
    except GatedRepoError:
        reason = f"{name} is given to those who accepted its terms: do so on its page, then hf auth login"
    except RevisionNotFoundError:
        reason = f"{name} has no branch, tag or commit {revision}"
    except RepositoryNotFoundError:
        reason = (
            f"there is no folder {name}, and no such repository on the Hugging Face hub; "
            "if it is a private one, hf auth login"
        )
    raise FileNotFoundError(reason)
