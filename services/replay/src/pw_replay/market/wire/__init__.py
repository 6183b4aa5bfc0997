"""How the generated market looks on the wire."""
