"""Reports of evaluations: one page with its pictures and sounds in it, and tables for LaTeX and Markdown."""
