"""Reports of an execution: a pure summary, and what it is rendered to."""
