"""A local AWS that behaves like AWS: engine, emulator, front, stream pump and provider; on loopback only."""
