"""A store-and-forward short message service centre: SMPP in, durable, SMPP out."""

__version__ = "0.1.0"
