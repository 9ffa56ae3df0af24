"""Text formats with positions and limits, for policy files and for evidence alike."""
