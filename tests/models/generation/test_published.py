"""Published checkpoints go on with a text as they do in ``transformers``.

Oracle: ``generate`` of that package, greedy, with every tensor perturbed. Tolerances: none; what is
compared are tokens.
"""

import pytest
import torch
from tests.models.pretrained.published import TOKENS, published

from clew.models import LanguageModel

CASES = ["mamba, untied, biases", "falcon, untied, biases", "mamba2, two groups, tied, biases"]
COUNT, PENALTY = 200, 1.5  # without the penalty some of them say one word only


@pytest.mark.parametrize("case", CASES)
def test_two_hundred_tokens(case, tmp_path):
    torch.manual_seed(4)
    theirs = published(case)
    theirs.save_pretrained(tmp_path)
    theirs.generation_config.eos_token_id = None
    model = LanguageModel.from_pretrained(tmp_path)
    prompt = torch.randint(1, TOKENS, (1, 7))
    greedy = {"do_sample": False, "repetition_penalty": PENALTY, "pad_token_id": 0}
    wanted = theirs.generate(prompt, max_new_tokens=COUNT, **greedy)[0, 7:].tolist()
    assert len(wanted) == COUNT
    assert len(set(wanted)) > 4  # a text that says nothing would show nothing
    assert model.generate(prompt, COUNT, temperature=0, repetition_penalty=PENALTY)[0] == wanted
