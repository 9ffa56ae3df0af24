"""The words of xspm as frozen structs: no I/O, no SDK."""
