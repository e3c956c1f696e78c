"""The notebook in a real JupyterLab, and the report, in a real browser."""
