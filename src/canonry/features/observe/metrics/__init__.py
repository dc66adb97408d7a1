"""Metrics of each environment of a project: cpu and memory of its instances, requests and their length at the edge.

models.py    a sample, and how two become one      latency.py  how long requests took, as counts that can be added
collect.py   requests and instances → samples      rollup.py   10 s → 1 min → 10 min, and what is deleted
sampler.py   when all this is done                 service.py  what a caller asks for
"""
