"""``clew --version``: what is installed here, and which backend each operation takes."""

import platform

__all__ = ["versions"]


def versions() -> str:
    """Versions of clew, torch and Python, the devices, and each operation's backend with the reason."""
    import torch

    from clew.ops import backends
    from clew.version import __version__

    lines = [
        f"clew   {__version__}",
        f"torch  {torch.__version__}, {torch.get_num_threads()} threads, {_devices()}",
        f"python {platform.python_version()}, {platform.system()} {platform.machine()}",
        "",
        "each operation takes the first backend that can run here:",
    ]
    operations = backends()
    width = max(map(len, operations))
    backend_width = max(len(operation.available[0]) for operation in operations.values())
    for name, operation in operations.items():
        first, *others = operation.available
        missing: dict[str, list[str]] = {}
        for other, reason in operation.unavailable.items():
            missing.setdefault(reason, []).append(other)
        reasons = [f"no {', '.join(names)}: {reason}" for reason, names in missing.items()]
        also = [f"also {', '.join(others)}"] if others else []
        lines.append(f"  {name:<{width}}  {first:<{backend_width}}  ({'; '.join([*reasons, *also])})")
    return "\n".join(lines)


def _devices() -> str:
    import torch

    if not torch.cuda.is_available():
        return "no CUDA device"
    return ", ".join(torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count()))
