"""drskit past one machine: the entry points of what AWS runs."""
