"""The backend that a test runs on: a name for ``use_backend``, and for "native-…" its instruction set."""

from pathlib import Path

import pytest
from tests.ops.cases import has

from clew.ops import compiled


@pytest.fixture
def backend(request):
    """The name that ``use_backend`` takes; until the test ends, the compiled module runs the wanted code."""
    name, _, instruction_set = request.param.partition("-")
    if not instruction_set:
        yield name
        return
    before = compiled.instruction_set()
    compiled.module().use_isa(instruction_set)
    yield name
    compiled.module().use_isa(before)


def pytest_collection_modifyitems(config, items):
    """Leave out an operation's tests on a backend that it does not have: the suite is for all of them."""
    kept, left_out = [], []
    for item in items:
        ours = Path(__file__).parent in item.path.parents and hasattr(item, "callspec")
        values = item.callspec.params if ours else {}
        lacks = {"case", "backend"} <= set(values) and not has(values["case"].operation, values["backend"])
        (left_out if lacks else kept).append(item)
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = kept
