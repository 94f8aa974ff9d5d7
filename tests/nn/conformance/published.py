"""Each mixer's published equations as a plain float64 loop, written from the paper: the suite's oracle.

Nothing of clew is used. Each function takes the parameters by their names in the state dict, x (batch,
time, channel), the tuple of real tensors that is the state and, where the equations have one, dt (batch,
time), all float64; it returns the output and the state after the last sample. Autograd goes through, so
gradients have the same oracle.
"""

import torch


def s4d(discretization):
    """Gu et al., "On the parameterization ... of diagonal state space models" (2022), eq. 2 and 3."""

    def run(parameters, x, state, dt=None):
        A = torch.complex(-torch.exp(parameters["A_log_real"]), parameters["A_imag"])
        B, C = (torch.complex(parameters[name][..., 0], parameters[name][..., 1]) for name in "BC")
        delta = torch.exp(parameters["log_dt"])[:, None]
        h = torch.complex(*state)
        outputs = []
        for k in range(x.shape[1]):
            step = delta if dt is None else delta * dt[:, k, None, None]
            if discretization == "zoh":
                A_bar = torch.exp(step * A)
                B_bar = (A_bar - 1) / A * B
            else:
                A_bar = (1 + step * A / 2) / (1 - step * A / 2)
                B_bar = step * B / (1 - step * A / 2)
            h = A_bar * h + B_bar * x[:, k, :, None]
            outputs.append(2 * (C * h).sum(-1).real + parameters["D"] * x[:, k])
        return _stacked(outputs, x), (h.real, h.imag)

    return run


def rnn(nonlinearity):
    """Elman, "Finding structure in time" (1990), figure 2; the linear one without nonlinearity and bias."""

    def run(parameters, x, state):
        A, B, C = (parameters[name] for name in "ABC")
        (h,) = state
        outputs = []
        for k in range(x.shape[1]):
            h = torch.einsum("ij,bj->bi", A, h) + torch.einsum("ij,bj->bi", B, x[:, k])
            if nonlinearity == "tanh":
                h = torch.tanh(h + parameters["b"])
            outputs.append(torch.einsum("ij,bj->bi", C, h))
        return _stacked(outputs, x), (h,)

    return run


def s5(discretization):
    """Smith et al., "Simplified state space layers for sequence modeling" (2023), eq. 1, 2 and 6."""

    def run(parameters, x, state, dt=None):
        A = torch.complex(-torch.exp(parameters["A_log_real"]), parameters["A_imag"])
        B, C = (torch.complex(parameters[name][..., 0], parameters[name][..., 1]) for name in "BC")
        delta = torch.exp(parameters["log_dt"])
        h = torch.complex(*state)
        outputs = []
        for k in range(x.shape[1]):
            step = delta.expand(len(x), -1) if dt is None else delta * dt[:, k, None]
            if discretization == "zoh":
                A_bar = torch.exp(step * A)
                B_bar = ((A_bar - 1) / A)[..., None] * B
            else:
                A_bar = (1 + step * A / 2) / (1 - step * A / 2)
                B_bar = (step / (1 - step * A / 2))[..., None] * B
            h = A_bar * h + torch.einsum("bpc,bc->bp", B_bar, x[:, k].to(B_bar.dtype))
            outputs.append(2 * torch.einsum("cp,bp->bc", C, h).real + parameters["D"] * x[:, k])
        return _stacked(outputs, x), (h.real, h.imag)

    return run


def lru(parameters, x, state, dt=None):
    """Orvieto et al., "Resurrecting recurrent neural networks for long sequences" (2023), eq. 6 to 8."""
    exponent = torch.complex(-torch.exp(parameters["nu_log"]), torch.exp(parameters["theta_log"]))
    B, C = (torch.complex(parameters[name][..., 0], parameters[name][..., 1]) for name in "BC")
    gamma = torch.exp(parameters["gamma_log"])
    h = torch.complex(*state)
    outputs = []
    for k in range(x.shape[1]):
        decay = torch.exp(exponent) if dt is None else torch.exp(exponent * dt[:, k, None])
        h = decay * h + gamma * torch.einsum("pc,bc->bp", B, x[:, k].to(B.dtype))
        outputs.append(torch.einsum("cp,bp->bc", C, h).real + parameters["D"] * x[:, k])
    return _stacked(outputs, x), (h.real, h.imag)


def gru(parameters, x, state):
    """Cho et al. (2014), eq. 5 to 8, the reset gate after the product, gates in the order r, z, n."""
    (h,) = state
    outputs = []
    for k in range(x.shape[1]):
        r, z, n = _gates(parameters, "ih", x[:, k], 3)
        R, Z, N = _gates(parameters, "hh", h, 3)
        z = torch.sigmoid(z + Z)
        h = (1 - z) * torch.tanh(n + torch.sigmoid(r + R) * N) + z * h
        outputs.append(h)
    return _stacked(outputs, x), (h,)


def lstm(parameters, x, state):
    """Gers, Schmidhuber and Cummins (2000), section 3, gates in the order i, f, g, o."""
    h, c = state
    outputs = []
    for k in range(x.shape[1]):
        pairs = zip(_gates(parameters, "ih", x[:, k], 4), _gates(parameters, "hh", h, 4), strict=True)
        i, f, g, o = (one + other for one, other in pairs)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        h = torch.sigmoid(o) * torch.tanh(c)
        outputs.append(h)
    return _stacked(outputs, x), (h, c)


def _gates(parameters, which, values, count):
    """W v + b, cut into gates."""
    W, b = parameters[f"weight_{which}"], parameters[f"bias_{which}"]
    return (torch.einsum("ij,bj->bi", W, values) + b).chunk(count, dim=-1)


def _stacked(outputs, x):
    return torch.stack(outputs, dim=1) if outputs else x


def pieces(equations, parameters, x, state, *, lengths=None, segments=None, dt=None):
    """``equations`` over a padded, packed batch: each run of one segment number alone, the first going on."""
    outputs, finals = [], []
    for row in range(len(x)):
        time = x.shape[1] if lengths is None else int(lengths[row])
        numbers = [0] * time if segments is None else segments[row, :time].tolist()
        starts = [k for k in range(time) if k == 0 or numbers[k] != numbers[k - 1]]
        h = tuple(part[row : row + 1] for part in state)
        parts = []
        for start, end in zip(starts, [*starts, time][1:], strict=True):
            if start > 0:
                h = tuple(torch.zeros_like(part) for part in h)
            options = {} if dt is None else {"dt": dt[row : row + 1, start:end]}
            y, h = equations(parameters, x[row : row + 1, start:end], h, **options)
            parts.append(y)
        padding = x.new_zeros(1, x.shape[1] - time, x.shape[2])
        outputs.append(torch.cat([*parts, padding], dim=1))
        finals.append(h)
    return torch.cat(outputs), tuple(torch.cat(part) for part in zip(*finals, strict=True))
