"""What a person sees of an execution: pure rows, and the panels of a notebook."""
