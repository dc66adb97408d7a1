"""The figures of the whole installation, as Prometheus reads them.

text.py     metrics and their text form         figures.py  what is told
"""
