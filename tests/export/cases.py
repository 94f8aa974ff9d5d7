"""Models to export, and ways to run what was exported."""

import io

import onnxruntime
import torch

from clew.models import Classifier, ModelConfig
from clew.models.state_tree import named_leaves
from clew.nn import Backbone, Block, mixers

CHANNELS, CLASSES, WIDTH = 3, 4, 8
BATCHES, LENGTHS, STEPS = (1, 3), (1, 7, 50), 20
WHATS = ("model", "step")

# max |difference| / max(1, max |reference|)
TOLERANCES = {
    "float32": 1e-5,  # the same sums in another order, one rounding of each state at each sample
    "float64": 1e-12,  # the same in float64
}


def model_of(names, variants=(), **changes):
    """A classifier with one block for each of the mixers ``names``, its standardisation not the identity.

    Then come blocks for ``variants``, pairs of a name and options.
    """
    every = [*((name, {}) for name in names), *variants]
    config = ModelConfig(CHANNELS, CLASSES, mixer=every[0][0], d_model=WIDTH, n_layers=len(every), **changes)
    plain = {"norm": "none", "activation": "none", "channel_mixing": "none"}
    around = plain if len(every) > 1 else {}  # what is not a mixer is exported once, to save time
    built = [mixers.build(name, WIDTH, options=options) for name, options in every]
    model = Classifier(config, Backbone([Block(mixer, **around) for mixer in built]))
    model.standardize(torch.tensor([1.0, -2.0, 0.5]), torch.tensor([2.0, 0.5, 1.0]))
    return model.eval()


def samples(*shape, dtype=torch.float32):
    return torch.randn(*shape, CHANNELS, dtype=dtype)


def onnx_call(proto):
    """A function from named inputs to named outputs, run by onnxruntime on what is in the file."""
    session = onnxruntime.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]

    def call(given):
        outputs = session.run(None, {name: tensor.numpy() for name, tensor in given.items()})
        return {name: torch.from_numpy(value) for name, value in zip(names, outputs, strict=True)}

    return call


def torch_call(program):
    """The same of a program that was saved and read back."""
    file = io.BytesIO()
    torch.export.save(program, file)
    file.seek(0)
    module = torch.export.load(file).module()

    def call(given):
        state = {name.removeprefix("state."): tensor for name, tensor in given.items() if "state." in name}
        args = (given["x_k"], state) if "x_k" in given else (given["x"], given["lengths"])
        logits, after = module(*args)
        return {"logits": logits, **{f"next.{name}": tensor for name, tensor in after.items()}}

    return call


def assert_same(given, logits, state, tolerance="float32"):
    """Every output by name: the logits and the state after."""
    wanted = {"logits": logits, **dict(named_leaves(state, "next"))}
    assert list(given) == list(wanted)
    for name, reference in wanted.items():
        assert (given[name].dtype, given[name].shape) == (reference.dtype, reference.shape), name
        scale = max(1.0, reference.double().abs().max().item()) if reference.numel() else 1.0
        torch.testing.assert_close(
            given[name],
            reference,
            rtol=0,
            atol=TOLERANCES[tolerance] * scale,
            msg=lambda m, n=name: f"{n}: {m}",
        )


@torch.no_grad()
def assert_runs_as(model, what, call, dtype=torch.float32, tolerance="float32"):
    """What was exported gives what the model gives, for several batches and lengths."""
    (assert_sequences if what == "model" else assert_steps)(model, call, dtype, tolerance)


def assert_sequences(model, call, dtype, tolerance):
    for batch in BATCHES:
        for time in LENGTHS:
            x = samples(batch, time, dtype=dtype)
            lengths = torch.tensor([time, 0, (time + 1) // 2][:batch])
            logits, state = model(x, lengths=lengths)
            # Nothing goes on from the state of a model that reads both ways: none comes out.
            state = () if any(block.mixer.bidirectional for block in model.backbone.blocks) else state
            assert_same(call({"x": x, "lengths": lengths}), logits, state, tolerance)


def assert_steps(model, call, dtype, tolerance):
    """Each sample's state goes into the next; the last logits are those of the whole sequence."""
    for batch in BATCHES:
        x, state = samples(batch, STEPS, dtype=dtype), model.initial_state(batch)
        carried = dict(named_leaves(state, "state"))
        for k in range(STEPS):
            given = call({"x_k": x[:, k], **carried})
            logits, state = model.step(x[:, k], state)
            assert_same(given, logits, state, tolerance)
            carried = {name: given[name.replace("state.", "next.", 1)] for name in carried}
        whole = model(x)[0]
        whole = whole[:, -1] if model.config.pooling == "step" else whole
        torch.testing.assert_close(given["logits"], whole, rtol=0, atol=10 * TOLERANCES[tolerance])
