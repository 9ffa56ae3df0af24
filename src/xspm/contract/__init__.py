"""The contract between parties: who holds which power, with how many signatures, until when.

A contract is a chain of signed versions. `terms` is what one version says, `keys` and `envelope` how it is signed,
`people` how signatures are counted, and `chain` how a reader follows the versions from the one that they trust.
"""
