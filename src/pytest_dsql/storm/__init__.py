"""The storm: thousands of transfers at once, what came of each, and a verdict on all of them.

``record`` is what workers leave on disk, ``model`` the history made of it, ``checker`` the judgement, ``statistics``
the figures, ``report`` and ``page`` what a person reads. All but the recorder and the files written at the end is pure.
"""
