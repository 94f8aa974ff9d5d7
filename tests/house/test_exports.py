"""What the packages export, and that it is explained.

Oracle: the imports in each ``__init__.py``, read as syntax, against ``__all__`` and the module at run time.
Tolerances: none.
"""

import ast
import importlib
import inspect
import pkgutil
from pathlib import Path

import pytest

import clew

SOURCE = Path(clew.__file__).parent
MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages([str(SOURCE)], "clew.")
    if not module.name.endswith((".__main__", ".triton", ".native", "._native"))
)
PACKAGES = ["clew", *(name for name in MODULES if hasattr(importlib.import_module(name), "__path__"))]


def _exported(module: str) -> list[str]:
    """``__all__``, which only a package that exports nothing may leave out."""
    loaded = importlib.import_module(module)
    if module in PACKAGES and not _imported_names(module):
        return getattr(loaded, "__all__", [])
    return loaded.__all__


def _imported_names(package: str) -> set[str]:
    """The names that a package's ``__init__.py`` brings in by import statements."""
    tree = ast.parse(Path(importlib.import_module(package).__file__).read_text())
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "clew":
            names |= {alias.asname or alias.name for alias in node.names}
    return names


@pytest.mark.parametrize("package", PACKAGES)
def test_all_is_what_the_package_imports(package):
    exported = _exported(package)
    assert {name for name in exported if not name.startswith("__")} == {
        name for name in _imported_names(package) if not name.startswith("_")
    }


@pytest.mark.parametrize("package", PACKAGES)
def test_an_init_only_re_exports(package):
    tree = ast.parse(Path(importlib.import_module(package).__file__).read_text())
    allowed = (ast.Import, ast.ImportFrom, ast.Assign, ast.AnnAssign, ast.Expr, ast.If)
    extra = (ast.FunctionDef,) if package == "clew" else ()  # its __getattr__ and __dir__ make names lazy
    assert [ast.unparse(node) for node in tree.body if not isinstance(node, allowed + extra)] == []


@pytest.mark.parametrize("module", ["clew", *MODULES])
def test_every_exported_name_is_there(module):
    loaded = importlib.import_module(module)
    assert [name for name in _exported(module) if not hasattr(loaded, name)] == []
    assert set(_exported(module)) <= set(dir(loaded))


@pytest.mark.parametrize("module", ["clew", *MODULES])
def test_every_public_object_is_explained(module):
    loaded = importlib.import_module(module)
    assert loaded.__doc__, f"{module} has no docstring"
    silent = []
    for name in _exported(module):
        value = getattr(loaded, name)
        if inspect.isclass(value):
            own = {k: v for k, v in vars(value).items() if not k.startswith("_")}
            silent += [
                f"{name}.{key}"
                for key, member in own.items()
                if inspect.isfunction(member) and not inspect.getdoc(getattr(value, key))
            ]
        if (inspect.isclass(value) or inspect.isfunction(value)) and not inspect.getdoc(value):
            silent.append(name)
    assert silent == []


def test_dir_of_the_library_shows_the_lazy_names():
    assert set(clew.__all__) <= set(dir(clew))


def test_an_unknown_attribute_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'clew' has no attribute 'nothing'"):
        clew.nothing  # noqa: B018
