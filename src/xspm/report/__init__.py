"""Reports: one run of the tool, for a reader or a machine; one file per format.

`interface` finds a format by name or by a path's suffix and writes its text. Every format is a pure function of a
`Run`; what they share is in `text` (making evidence harmless) and `summary` (counting, grouping, ordering).
"""
