"""Resource types that no single connector owns, one file per family."""
