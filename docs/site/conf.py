"""Settings of the documentation site; ``docs/site/build.py`` copies them beside the pages."""

import mmhand

project = 'mmhand'
author = 'The mmhand authors'
copyright = author
release = version = mmhand.__version__

extensions = [
    'myst_parser',
    'sphinx.ext.autodoc',
    'sphinx.ext.napoleon',
    'sphinx.ext.mathjax',
    'sphinx_copybutton',
    'sphinxcontrib.mermaid',
]
source_suffix = {'.md': 'markdown', '.rst': 'restructuredtext'}
exclude_patterns = ['**/_build']

myst_enable_extensions = ['deflist', 'dollarmath']
myst_heading_anchors = 4
myst_fence_as_directive = ['mermaid']
# Single files show whole in the repository; here a page's title comes from its first heading.
suppress_warnings = ['myst.header']

autodoc_typehints = 'description'
autodoc_typehints_description_target = 'documented'
autodoc_member_order = 'bysource'
autodoc_default_options = {'show-inheritance': True}
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True
add_module_names = False
python_maximum_signature_line_length = 88

html_theme = 'furo'
html_title = f'mmhand {release}'
html_theme_options = {'navigation_with_keys': True}
html_show_sphinx = False
html_show_sourcelink = False
