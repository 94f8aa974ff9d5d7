"""clew's language models under the roof of the package ``transformers`` (extra ``lm``).

After :func:`register`, ``AutoModelForCausalLM.from_pretrained`` opens a folder that
:meth:`clew.models.LanguageModel.save_pretrained` wrote, and ``generate`` and the other tools of that package
work with any mixer. Importing this module loads ``transformers``; nothing else here does.
"""

import dataclasses
from typing import Any

import torch
from torch import Tensor

from clew.errors import missing_extra
from clew.models.build import build
from clew.models.generation.context import over_leaves
from clew.models.language_config import LanguageModelConfig
from clew.models.language_model import LanguageModel, LanguageModelConstants
from clew.models.pretrained.own import own_config, own_content
from clew.nn.backbone import States

try:
    from transformers import (
        AutoConfig,
        AutoModelForCausalLM,
        Cache,
        GenerationMixin,
        PreTrainedConfig,
        PreTrainedModel,
    )
    from transformers.modeling_outputs import CausalLMOutputWithPast
except ImportError:
    raise missing_extra("transformers", "lm") from None

__all__ = ["ClewConfig", "ClewForCausalLM", "StateCache", "register"]


class ClewConfig(PreTrainedConfig):  # type: ignore[misc] # transformers is not read by mypy
    """The configuration of a language model of clew's, as its ``config.json`` has it.

    Args:
        model: the fields of a :class:`clew.models.LanguageModelConfig`.
        format: of the file.
        clew: the version that wrote it.
        torch: likewise.
        kwargs: what ``transformers`` keeps in any configuration.
    """

    model_type = "clew"

    def __init__(
        self,
        model: dict[str, Any] | None = None,
        *,
        format: int = 1,
        clew: str = "",
        torch: str = "",
        **kwargs: Any,
    ) -> None:
        self.model = model if model is not None else dataclasses.asdict(LanguageModelConfig(256))
        self.format = format
        self.clew = clew
        self.torch = torch
        self.vocab_size = self.model["n_tokens"]
        self.hidden_size = self.model["d_model"]
        self.num_hidden_layers = self.model["n_layers"]
        # The model ties its weights itself.
        super().__init__(**{**kwargs, "tie_word_embeddings": False})


class StateCache(Cache):  # type: ignore[misc] # transformers has no types
    """A model's state in place of a cache of keys and values: its size does not grow with the text.

    Args:
        state: of the model.
        length: tokens that were read.
        constants: what a step computes from the parameters alone.
    """

    def __init__(self, state: States, length: int, constants: LanguageModelConstants | None) -> None:
        super().__init__(layers=[])
        self.state = state
        self.length = length
        self.constants = constants

    def get_seq_length(self, layer_idx: int = 0) -> int:
        """How many tokens were read, padding included."""
        return self.length

    @property
    def is_compileable(self) -> bool:
        """Not compiled by itself."""
        return False

    def reorder_cache(self, beam_idx: Tensor) -> None:
        """Take the rows that a search by beams goes on with."""
        self._rows(beam_idx)

    def batch_select_indices(self, indices: Tensor) -> None:
        """Keep some rows."""
        self._rows(indices)

    def batch_repeat_interleave(self, repeats: int) -> None:
        """Each row several times."""
        first = over_leaves(lambda leaf: torch.arange(len(leaf), device=leaf.device), self.state[0])[0]
        self._rows(first.repeat_interleave(repeats))

    def crop(self, max_length: int) -> None:
        """Impossible: a state has no past to go back to.

        Raises:
            ValueError: always.
        """
        raise ValueError("a state cannot go back to an earlier token; keep the earlier one")

    def _rows(self, rows: Tensor) -> None:
        self.state = over_leaves(lambda leaf: leaf.index_select(0, rows.to(leaf.device)), self.state)


class ClewForCausalLM(PreTrainedModel, GenerationMixin):  # type: ignore[misc] # transformers has no types
    """A :class:`clew.models.LanguageModel` that ``transformers`` can load, generate with and train.

    Its parameters are those of the language model under the same names, so each opens what the other has
    saved. Rows may be padded on either side, as ``attention_mask`` says; padding is not read.

    >>> from clew.models import LanguageModelConfig, build
    >>> model = ClewForCausalLM.of(build(LanguageModelConfig(n_tokens=256, d_model=16, n_layers=1)).eval())
    >>> text = model.generate(torch.tensor([list(b"to be")]), max_new_tokens=3, do_sample=False)
    >>> text.shape
    torch.Size([1, 8])
    """

    config_class = ClewConfig
    base_model_prefix = ""
    main_input_name = "input_ids"
    _is_stateful = True

    def __init__(self, config: ClewConfig) -> None:
        super().__init__(config)
        # transformers asks for tensors without content, which not every mixer can draw its start from.
        with torch.device("cpu"):
            self._take(build(own_config(config.to_dict())))
        self.post_init()

    @classmethod
    def of(cls, model: LanguageModel) -> "ClewForCausalLM":
        """The same model, not a copy: its parameters are shared."""
        wrapped = cls(ClewConfig(**own_content(model.config)))
        wrapped._take(model)
        wrapped.train(model.training)
        return wrapped

    def _take(self, model: LanguageModel) -> None:
        """Take the parts of a model as parts of this one; the model itself has no parameter beside them."""
        for name, part in model.named_children():
            setattr(self, name, part)
        object.__setattr__(self, "language_model", model)  # not one part more, with all names twice

    def forward(
        self,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        past_key_values: StateCache | None = None,
        labels: Tensor | None = None,
        use_cache: bool | None = None,
        return_dict: bool | None = None,
        logits_to_keep: int = 0,
        **kwargs: Any,
    ) -> Any:
        """The logits of the token after each, as ``transformers`` asks for them.

        Args:
            input_ids: (batch, time) tokens.
            attention_mask: (batch, time of the whole text): 0 for padding.
            past_key_values: what was returned for the tokens before.
            labels: (batch, time): the tokens again, −100 where none is to be learned; for the loss.
            use_cache: whether to return the state.
            return_dict: whether to return a dataclass and no tuple.
            logits_to_keep: 1 for the logits after each row's last token alone, else all.
            kwargs: what else ``transformers`` hands on to its loss.
        """
        model: LanguageModel = self.language_model
        before = past_key_values
        constants = None if before is None else before.constants
        if before is not None and input_ids.shape[1] == 1 and not torch.is_grad_enabled():
            constants = model.constants() if constants is None else constants
            logits, state = model.step(input_ids[:, 0], before.state, constants=constants)
            logits = logits[:, None]
        else:
            logits, state = _read(model, input_ids, attention_mask, before, logits_to_keep == 1)
        loss = None
        if labels is not None:
            loss = self.loss_function(
                logits=logits, labels=labels, vocab_size=self.config.vocab_size, **kwargs
            )
        length = input_ids.shape[1] + (0 if before is None else before.length)
        output = CausalLMOutputWithPast(
            loss=loss,
            logits=logits,
            past_key_values=StateCache(state, length, constants) if use_cache is not False else None,
        )
        return output if return_dict is not False else output.to_tuple()

    def get_input_embeddings(self) -> torch.nn.Module:
        """The embedding."""
        embedding: torch.nn.Module = self.language_model.embedding
        return embedding

    def _init_weights(self, module: torch.nn.Module) -> None:
        """Nothing: :func:`clew.models.build` draws the weights."""

    @classmethod
    def _supports_default_dynamic_cache(cls) -> bool:
        """No: the first call makes the cache, a state."""
        return False


def _read(
    model: LanguageModel, tokens: Tensor, mask: Tensor | None, before: StateCache | None, last: bool
) -> tuple[Tensor, States]:
    """The logits where the tokens are, wherever the padding is, and the state."""
    state = None if before is None else before.state
    mask = None if mask is None else mask[:, -tokens.shape[1] :].bool()
    if mask is None or bool(mask.all()):
        logits, after = model.prefill(tokens, state) if last else model(tokens, state)
        return logits[:, None] if last else logits, after
    lengths = mask.sum(1)
    order = (~mask).to(torch.uint8).argsort(dim=1, stable=True)  # tokens first, in their order
    packed = tokens.gather(1, order)
    if last and bool(lengths.min()):
        logits, after = model.prefill(packed, state, lengths=lengths)
        return logits[:, None], after
    logits, after = model(packed, state, lengths=lengths)
    return logits.gather(1, order.argsort(1)[..., None].expand_as(logits)), after


def register() -> None:
    """Make ``AutoConfig`` and ``AutoModelForCausalLM`` know the folders that clew's models are saved in."""
    AutoConfig.register("clew", ClewConfig, exist_ok=True)
    AutoModelForCausalLM.register(ClewConfig, ClewForCausalLM, exist_ok=True)
