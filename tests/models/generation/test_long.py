"""A long text: the memory does not grow, nor does the time for a token.

Oracle: none but the process itself. Tolerances: TOLERANCES.
"""

import math
import time

import psutil
import pytest
import torch
from tests.models.generation.models import small_model

from clew.models import quickest
from clew.models.generation import Continuation, Sampling, Writing, read
from clew.text import ByteTokenizer

TOLERANCES = {
    # Of the resident memory, bytes, from the first tenth to the last: a leak of 25 bytes a token would show.
    "memory": 2_000_000,
    # Processor time of the last tenth over that of the second: what grows with the text would be ninefold.
    "time": 1.2,
}
TOKENS = 100_000


@pytest.mark.slow
@pytest.mark.parametrize(("mixer", "weights"), [("mamba", "model"), ("mamba", "int8"), ("mamba2", "float32")])
def test_a_hundred_thousand_tokens(mixer, weights, capsys):
    model = small_model(mixer, n_tokens=256, dtype=torch.float32)
    sampling = Sampling(temperature=0.9, top_k=50, top_p=0.95, repetition_penalty=1.1)
    context = read(model, [[1, 2, 3]])
    continuation = Continuation(quickest(model, weights), context, sampling, max_new_tokens=TOKENS)
    writing = Writing(continuation, ByteTokenizer(), ["a string that does not come"])
    process = psutil.Process()
    memory, seconds, letters = [], [], 0
    for _ in range(100):
        started = time.process_time()
        for _ in range(TOKENS // 100):
            (piece,) = next(writing)
            letters += len(piece)
        seconds.append(time.process_time() - started)
        memory.append(process.memory_info().rss)
        assert math.isfinite(float(continuation.context.logits.sum()))
    assert writing.counts == [TOKENS]
    assert letters > TOKENS / 2
    early, late = sum(seconds[10:20]) / 10, sum(seconds[-10:]) / 10
    with capsys.disabled():
        print(
            f"\n{TOKENS:,} tokens of {mixer}, {weights}: {early * 1e3:.0f} µs of processor time each in the "
            f"second tenth and {late * 1e3:.0f} in the last; {max(memory[:10]) / 1e6:.1f} MB in the first "
            f"and {max(memory[-10:]) / 1e6:.1f} in the last"
        )
    assert max(memory[-10:]) - max(memory[:10]) < TOLERANCES["memory"]
    assert late / early < TOLERANCES["time"]
