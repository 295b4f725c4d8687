"""The other clients, each in the simplest way its users write it; processes of their own.

They import nothing of the project: two of them run in the peers' venv. `report.py` is how they
tell what they did.
"""
