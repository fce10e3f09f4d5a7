"""How Sphinx builds the documentation. Nothing is fetched, neither by the build nor by whoever reads the pages.

pip install -e '.[docs]' && sphinx-build -W --keep-going -b html docs build/html
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_extensions"))

import molopt

project = "molopt"
author = "The molopt developers"
copyright = author
version = release = molopt.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
    "mathml",
    "gallery",
    "names",
]
exclude_patterns = ["benchmarks", "potentials", "_extensions"]
suppress_warnings = [
    "toc.empty_glob",  # a folder without pages beside those that its index lists in order
    "misc.highlighting_failure",  # an output that is no language, in a block that says none
]

# Pages: Markdown, formulas between dollar signs, headings that can be linked to
myst_enable_extensions = ["amsmath", "dollarmath", "colon_fence", "deflist"]
myst_heading_anchors = 4
myst_number_code_blocks = []
highlight_language = "text"

# Docstrings: NumPy's sections; `name` in them is code, and a link where it is a name of the reference
default_role = "name"
napoleon_google_docstring = False
napoleon_use_rtype = False
napoleon_use_ivar = True
napoleon_preprocess_types = False
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 90

# Pages on screen
html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["formulas.css"]
html_title = f"molopt {version}"
html_show_copyright = False
html_show_sphinx = False
html_copy_source = False
html_show_sourcelink = False
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True
