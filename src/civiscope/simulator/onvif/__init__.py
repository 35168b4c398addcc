"""Simulated ONVIF devices: SOAP over HTTP on real sockets, answers to discovery, and wrong answers on demand.

Everything is kept in memory and ends with the process; nothing here is reached but by its own sockets.
"""
