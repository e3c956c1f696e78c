"""A moto backend for DRS, registered from outside moto.

`models.py` and `urls.py` must stay siblings: moto derives the one's name from the other's.
"""
