"""xspm: extensible security posture management with separation of powers."""

__version__ = "0.1.0"
