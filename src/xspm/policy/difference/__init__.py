"""What one set of policies asks less or more than another: decided by what they mean, not by their text.

`asked` reads two bundles and says what each asks of which assets; `judge` compares check by check; `term` and
`implication` prove that a changed condition is no weaker; `trial` runs both versions over examples and evidence to show
where it is. Whatever is neither proven nor shown is doubtful, and a doubt counts as a weakening.
"""
