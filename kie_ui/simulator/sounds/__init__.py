"""Sounds made from nothing but words and a seed, and portions of sounds that were sent.

Samples are arrays of float32 from −1 to 1: a row a channel.
"""
