"""How the documentation is built. Nothing is fetched: no intersphinx, no script from elsewhere."""

import re
import subprocess
import sys
from pathlib import Path

from clew.version import __version__

project = "clew"
author = "the clew authors"
copyright = "the clew authors, Apache-2.0"
release = version = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build", "figures", "_figures"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

# A reference to something of ours that is not there is an error; those to torch and Python are text.
nitpicky = True
nitpick_ignore_regex = [
    ("py:.*", r"(?!clew\.).*"),
    ("py:class", r"clew\..*\.(StateT|ConstantsT|SystemT|Built|Factory)"),  # type variables
]

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
python_maximum_signature_line_length = 88
toc_object_entries_show_parents = "hide"
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True
napoleon_use_rtype = False

html_theme = "furo"
html_title = f"clew {__version__}"
html_static_path = ["_static"]
html_css_files = ["clew.css"]
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
pygments_style = "friendly"
pygments_dark_style = "monokai"


def skip_tuple_fields(app, what, name, value, skip, options):
    """Leave out the fields of named tuples, which the docstring of the class explains."""
    return True if type(value).__name__ == "_tuplegetter" else skip


def name_array_like(app, what, name, value, options, signature, returns):
    """Write ``ArrayLike`` where its definition, six types long, would stand."""
    written = r"~?torch\.Tensor \| \S*_Buffer \| .*?_NestedSequence\[complex \| bytes \| str\]"
    return signature and re.sub(written, "ArrayLike", signature), returns


def draw_figures(app):
    """Draw the figures anew, in processes of their own, and write the tables of the results."""
    for script in (Path("figures", "build.py"), Path("results.py")):
        subprocess.run([sys.executable, Path(app.srcdir) / script], check=True)


def setup(app):
    """What Sphinx calls first."""
    app.connect("builder-inited", draw_figures)
    app.connect("autodoc-process-signature", name_array_like)
    app.connect("autodoc-skip-member", skip_tuple_fields)
