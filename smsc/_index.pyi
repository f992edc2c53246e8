"""Numbers that are found by 64-bit values: for the compiled modules that own such numbers."""
