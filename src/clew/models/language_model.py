"""Tokens in, the next token's probabilities out: in parallel over the whole text, or token by token."""

import os
from collections.abc import Collection, Sequence
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import embedding, linear

from clew.models.generation.continuation import ENDED, Continuation
from clew.models.generation.read import read
from clew.models.generation.sampling import Sampling
from clew.models.groups import Group, parameter_groups
from clew.models.language_config import LanguageModelConfig
from clew.nn.arguments import INTEGERS, check_lengths, check_tensor
from clew.nn.backbone import Backbone, States
from clew.nn.norm import norm_layer
from clew.nn.padding import last_valid, zero_padding

__all__ = ["LanguageModel", "LanguageModelConstants"]


class LanguageModelConstants(NamedTuple):
    """What a step computes from the parameters alone.

    Attributes:
        backbone: the constants of the mixers.
        head: (n_tokens, d_model), in the dtype of the logits.
    """

    backbone: States
    head: Tensor


class LanguageModel(nn.Module):
    """Embed, run the backbone, norm, and a linear head over the vocabulary.

    What runs from block to block is float32 at least, whatever the weights are; so are the logits.

    Args:
        config: what the model was built from, kept as ``config``; :func:`clew.models.build` is the usual way
            here.
        backbone: the blocks.

    Raises:
        ValueError: for an unknown norm, or a padded vocabulary smaller than the vocabulary.

    >>> from clew.models import LanguageModelConfig, build
    >>> model = build(LanguageModelConfig(n_tokens=256, d_model=16, n_layers=1))
    >>> logits, state = model(torch.tensor([list(b"to be or not")]))
    >>> logits.shape
    torch.Size([1, 12, 256])
    >>> logits, state = model.step(torch.tensor([32]), state)
    >>> logits.shape
    torch.Size([1, 256])

    Source: Gu and Dao, "Mamba: Linear-Time Sequence Modeling with Selective State Spaces" (2023), section
    3.4 (the blocks), 4.2 (language models: the embedding is the head); the start of the weights, with
    standard deviation 0.02 for the embedding and the outputs of the mixers divided by the square root of the
    number of blocks, from its code.
    """

    def __init__(self, config: LanguageModelConfig, backbone: Backbone) -> None:
        super().__init__()
        rows = config.n_tokens if config.padded_to is None else config.padded_to
        if rows < config.n_tokens:
            raise ValueError(f"padded_to is at least n_tokens, {config.n_tokens}; got {rows}")
        self.config = config
        self.embedding = nn.Embedding(rows, backbone.d_model)
        self.backbone = backbone
        self.norm = norm_layer(config.norm, backbone.d_model, config.norm_epsilon)
        self.head = None if config.tied else nn.Linear(backbone.d_model, rows, bias=False)
        nn.init.normal_(self.embedding.weight, std=0.02)
        if self.head is not None:
            nn.init.normal_(self.head.weight, std=0.02)
        with torch.no_grad():
            for name, parameter in backbone.named_parameters():
                if name.endswith("mixer.out_proj.weight"):
                    parameter.mul_(config.n_layers**-0.5)

    def forward(
        self,
        tokens: Tensor,
        state: States | None = None,
        *,
        lengths: Tensor | None = None,
        segments: Tensor | None = None,
    ) -> tuple[Tensor, States]:
        """Read texts, or their next chunks.

        Args:
            tokens: (batch, time), integers from 0 to ``n_tokens`` − 1.
            state: what the chunks before left; ``None`` at the start of a text.
            lengths: (batch,): how many tokens of each row count.
            segments: (batch, time): a new number starts a new text, as in :meth:`clew.nn.Mixer.forward`.

        Returns:
            The logits (batch, time, n_tokens), in float32 at least: those at k are of token k + 1, and past a
            row's length they are zero. And the state.

        Raises:
            ValueError: for a shape, a dtype or a token that does not fit, and whatever the mixer refuses.
        """
        lengths = _check(tokens, lengths)
        y, after = self._run(tokens, state, lengths, segments)
        return zero_padding(linear(self.norm(y), self._head()), lengths), after

    def prefill(
        self, tokens: Tensor, state: States | None = None, *, lengths: Tensor | None = None
    ) -> tuple[Tensor, States]:
        """Read texts, or their next chunks, and answer for the last token of each row alone.

        The head of a large vocabulary costs as much as many layers, and its logits more memory than the rest;
        a prompt needs them once.

        Args:
            tokens: (batch, time), time at least 1.
            state: as in :meth:`forward`.
            lengths: as in :meth:`forward`, at least 1 each.

        Returns:
            The logits (batch, n_tokens) of the token that comes after each row, and the state.

        Raises:
            ValueError: as :meth:`forward`, and for a row without a token.
        """
        lengths = _check(tokens, lengths)
        shortest = tokens.shape[-1] if lengths is None or not len(lengths) else int(lengths.min())
        if shortest < 1:
            raise ValueError("each row needs at least one token: there is no last one to answer for")
        y, after = self._run(tokens, state, lengths, None)
        last = y[:, -1] if lengths is None else last_valid(y, lengths, y[:, -1])
        return linear(self.norm(last), self._head()), after

    def step(
        self, token: Tensor, state: States, *, constants: LanguageModelConstants | None = None
    ) -> tuple[Tensor, States]:
        """Read one more token.

        Args:
            token: (batch,), integers from 0 to ``n_tokens`` − 1.
            state: the state before it.
            constants: what :meth:`constants` returned, so that a stream computes it once.

        Returns:
            The logits (batch, n_tokens) of the token after it, and the state.

        Raises:
            ValueError: for a shape, a dtype or a token that does not fit, and whatever the mixer refuses.
        """
        check_tensor("token", token, "batch")
        if token.dim() != 1:
            raise ValueError(f"token is (batch,); got shape {tuple(token.shape)}")
        known = None if constants is None else constants.backbone
        y_k, after = self.backbone.step(self._embedded(token), state, constants=known)
        return linear(self.norm(y_k), self._head() if constants is None else constants.head), after

    def constants(self) -> LanguageModelConstants:
        """What :meth:`step` computes from the parameters alone."""
        return LanguageModelConstants(self.backbone.constants(), self._head())

    def initial_state(self, batch_size: int) -> States:
        """The state before the first token."""
        return self.backbone.initial_state(batch_size)

    def parameter_groups(
        self, learning_rate: float, dynamics_learning_rate: float, weight_decay: float
    ) -> list[Group]:
        """The parameters for an optimiser; see :func:`clew.models.parameter_groups`."""
        return parameter_groups(self, learning_rate, dynamics_learning_rate, weight_decay)

    def generate(
        self,
        prompts: Sequence[Sequence[int]] | Tensor,
        max_new_tokens: int,
        *,
        temperature: float = 1.0,
        top_k: int = 0,
        top_p: float = 1.0,
        repetition_penalty: float = 1.0,
        stop_tokens: Collection[int] = (),
        seed: int = 0,
    ) -> list[list[int]]:
        """Go on with texts; :mod:`clew.models.generation` does so token by token, with the state in hand.

        Args:
            prompts: tokens, a row for each text, of any lengths from 1 on. A row gives what it gives alone.
            max_new_tokens: for each row.
            temperature: see :class:`clew.models.generation.Sampling`, as for the next three; 0 is greedy.
            top_k: draw from so many most probable tokens; 0 for all.
            top_p: draw from the fewest tokens whose probabilities add up to this.
            repetition_penalty: makes tokens that the text has already less probable.
            stop_tokens: end a row, and are not part of it.
            seed: of the random numbers; row r has those of ``seed`` + r.

        Returns:
            The new tokens of each row.

        Raises:
            ValueError: for a number out of range, an empty prompt, an unknown token, a model in training
                mode, or logits that are not finite.

        >>> from clew.models import LanguageModelConfig, build
        >>> model = build(LanguageModelConfig(n_tokens=256, d_model=16, n_layers=1)).eval()
        >>> texts = model.generate([list(b"to be"), list(b"or")], 5, temperature=0.8, top_k=40)
        >>> [len(tokens) for tokens in texts]
        [5, 5]
        """
        sampling = Sampling(temperature, top_k, top_p, repetition_penalty)
        context = read(self, prompts, seed=seed)
        rows: list[list[int]] = [[] for _ in prompts]
        for tokens in Continuation(
            self, context, sampling, max_new_tokens=max_new_tokens, stop_tokens=stop_tokens
        ):
            for row, token in zip(rows, tokens, strict=True):
                if token != ENDED:
                    row.append(token)
        return rows

    @classmethod
    def from_pretrained(
        cls,
        path_or_name: str | os.PathLike[str],
        *,
        revision: str | None = None,
        dtype: torch.dtype | None = None,
        device: torch.device | str = "cpu",
    ) -> "LanguageModel":
        """The model in a checkpoint, in evaluation mode.

        Read are the layouts of Hugging Face (Mamba, Mamba-2, Falcon-Mamba), of the original code (Mamba,
        Mamba-2) and of :meth:`save_pretrained`, told apart by what is in them; safetensors, or pickles of
        tensors alone, in one file or several. One copy of the model is made, tensor by tensor.

        Args:
            path_or_name: a folder, or ``owner/name`` on the Hugging Face hub; see
                :func:`clew.models.pretrained.locate`.
            revision: a branch, tag or commit on the hub.
            dtype: of the parameters; ``None`` for what each is stored in.
            device: of the parameters.

        Raises:
            FileNotFoundError: if there is no such folder or repository, or a file is missing in it.
            ValueError: if the model is none that there is here, a file is damaged or holds a pickle of more
                than tensors, or tensors are missing, not known or misshapen: all of them are named.

        >>> import tempfile
        >>> from clew.models import LanguageModelConfig, build
        >>> model = build(LanguageModelConfig(n_tokens=256, d_model=16, n_layers=1)).eval()
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     model.save_pretrained(folder)
        ...     again = LanguageModel.from_pretrained(folder)
        >>> tokens = torch.tensor([list(b"to be or not")])
        >>> torch.equal(again(tokens)[0], model(tokens)[0])
        True
        """
        # Imported here, since loading builds this class.
        from clew.models.pretrained.load import load

        return load(path_or_name, revision=revision, dtype=dtype, device=device)

    def save_pretrained(
        self, directory: str | os.PathLike[str], layout: Literal["clew", "huggingface"] = "clew"
    ) -> None:
        """Write ``config.json`` and ``model.safetensors`` into a folder, the first one last.

        Args:
            directory: made if it is not there. It may hold a tokenizer, and no checkpoint.
            layout: ``"clew"`` keeps everything. ``"huggingface"`` is for the package transformers, and has
                words for Mamba, Mamba-2 and Falcon-Mamba; rows past ``n_tokens`` and dropout are left out.

        Raises:
            FileExistsError: if the folder holds a checkpoint.
            ValueError: for an unknown layout, or a model that the layout has no words for, with the reasons.
            OSError: if a file cannot be written.
        """
        from clew.models.pretrained.save import save

        save(self, directory, layout=layout)

    def _run(
        self, tokens: Tensor, state: States | None, lengths: Tensor | None, segments: Tensor | None
    ) -> tuple[Tensor, States]:
        if lengths is not None:
            tokens = zero_padding(tokens[..., None], lengths)[..., 0]
        y, after = self.backbone(self._embedded(tokens), state, lengths=lengths, segments=segments)
        return y, after

    def _embedded(self, tokens: Tensor) -> Tensor:
        if tokens.dtype not in INTEGERS:
            raise ValueError(f"tokens are integers; got {tokens.dtype}")
        if not torch.compiler.is_compiling() and tokens.numel():
            low, high = (int(bound) for bound in tokens.aminmax())
            if low < 0 or high >= self.config.n_tokens:
                raise ValueError(
                    f"a token is a number from 0 to {self.config.n_tokens - 1}; "
                    f"got {low if low < 0 else high}"
                )
        weight = self.embedding.weight
        return embedding(tokens.long(), weight).to(_wide(weight))

    def _head(self) -> Tensor:
        """Without the rows that are nobody's, in the dtype of the logits."""
        weight = self.embedding.weight if self.head is None else self.head.weight
        return weight[: self.config.n_tokens].to(_wide(weight))


def _check(tokens: Tensor, lengths: Tensor | None) -> Tensor | None:
    """The lengths, as :func:`clew.nn.arguments.check_lengths` gives them."""
    check_tensor("tokens", tokens, "batch, time")
    if tokens.dim() != 2:
        raise ValueError(f"tokens are (batch, time); got shape {tuple(tokens.shape)}")
    return check_lengths(tokens, lengths)


def _wide(weight: Tensor) -> torch.dtype:
    return torch.promote_types(weight.dtype, torch.float32)
