# SPDX-License-Identifier: GPL-3.0-or-later
# SPDX-FileCopyrightText: The workshop.production_patterns authors

"""How Sphinx makes the site."""

project = "workshop.production_patterns"
author = project_copyright = "The workshop.production_patterns authors"
extensions = ["myst_parser", "sphinx_antsibull_ext"]
html_theme = "sphinx_ansible_theme"
html_theme_options = {"topbar_links": {}}
html_show_sphinx = False
pygments_style = "ansible"
# Links to headings, as the pages have them.
myst_heading_anchors = 4
# What the pages link to, and no pages themselves.
exclude_patterns = ["files/**", "roles/*/files/**", "roles/*/templates/**"]
# In a console a quoted text goes on in the next line, which Pygments does not expect.
suppress_warnings = ["misc.highlighting_failure"]
