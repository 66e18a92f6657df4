"""Pictures drawn from nothing but words and a seed: what a generator makes where it is given none.

Pure: the same words, seed and size give the same pixels.
"""
