"""The append-only, witnessed log of everything signed, in the C2SP formats, on plain files.

A log is a folder: entries and Merkle tree hashes in tiles (`tiles`, https://c2sp.org/tlog-tiles), under a checkpoint
(`checkpoint`, https://c2sp.org/tlog-checkpoint) that is a signed note (`note`, https://c2sp.org/signed-note). `log`
writes it, `audit` reads it and believes nothing, `witness` cosigns what only ever grew
(https://c2sp.org/tlog-witness). Hashing is SHA-256 by the standard library, signing is Ed25519 by `cryptography`, which
`ed25519` alone imports, and only when a signature is made or checked.
"""
