"""The proof of "exactly once, whatever dies": every AWS call meets every fault, and a checker looks at what is left."""
