"""How much memory, disk and network a load takes."""
